/**
 * What LaTeX commands stand for in Unicode. The names are those of the LaTeX kernel, textcomp and the common packages;
 * the characters are given as escapes where a font might not tell them apart.
 */

/** Accent commands and the combining character each of them puts on the letter that follows. */
export const ACCENTS: ReadonlyMap<string, string> = new Map([
  ["'", '\u0301'],
  ['`', '\u0300'],
  ['^', '\u0302'],
  ['"', '\u0308'],
  ['~', '\u0303'],
  ['=', '\u0304'],
  ['.', '\u0307'],
  ['b', '\u0331'],
  ['c', '\u0327'],
  ['d', '\u0323'],
  ['H', '\u030b'],
  ['k', '\u0328'],
  ['r', '\u030a'],
  ['t', '\u0361'],
  ['u', '\u0306'],
  ['v', '\u030c'],
  ['G', '\u030f'],
  ['U', '\u030e'],
])

function table(pairs: string): ReadonlyMap<string, string> {
  return new Map(
    pairs
      .trim()
      .split(/\s+/)
      .map((pair) => pair.split('=') as [string, string]),
  )
}

/** Commands of running text that stand for characters. */
export const TEXT_SYMBOLS: ReadonlyMap<string, string> = new Map([
  ...table(`
    ss=ß SS=ẞ ae=æ AE=Æ oe=œ OE=Œ aa=å AA=Å o=ø O=Ø l=ł L=Ł i=ı j=ȷ dh=ð DH=Ð dj=đ DJ=Đ th=þ TH=Þ ng=ŋ NG=Ŋ
    S=§ P=¶ dag=† ddag=‡ copyright=© textcopyright=© textregistered=® texttrademark=™ pounds=£ textsterling=£
    euro=€ texteuro=€ textyen=¥ textcent=¢ textdegree=° degree=° textmu=µ textordfeminine=ª textordmasculine=º
    textexclamdown=¡ textquestiondown=¿ guillemotleft=« guillemotright=» guilsinglleft=‹ guilsinglright=›
    quotedblbase=„ quotesinglbase=‚ textquotedblleft=“ textquotedblright=” textquoteleft=‘ textquoteright=’
    textquotesingle=' textquotedbl=" textendash=– textemdash=— textellipsis=… dots=… ldots=… textbullet=•
    textperiodcentered=· textbackslash=\\ textbraceleft={ textbraceright=} textunderscore=_ textasciitilde=~
    textasciicircum=^ textasciigrave=\` textbar=| textless=< textgreater=> textdollar=$ textpercent=% textnumero=№ slash=/ hyphen=-
    textonehalf=½ textonequarter=¼ textthreequarters=¾ texttimes=× textdiv=÷ textpm=± textminus=−
    TeX=TeX LaTeX=LaTeX LaTeXe=LaTeX2e BibTeX=BibTeX`),
  ['space', ' '],
  ['quad', ' '],
  ['qquad', ' '],
  ['newline', ' '],
  ['linebreak', ' '],
  ['par', ' '],
])

/** Commands of maths. What is missing here is shown by its name. */
export const MATH_SYMBOLS: ReadonlyMap<string, string> = new Map([
  ...table(`
    alpha=α beta=β gamma=γ delta=δ epsilon=ϵ varepsilon=ε zeta=ζ eta=η theta=θ vartheta=ϑ iota=ι kappa=κ lambda=λ mu=μ
    nu=ν xi=ξ omicron=ο pi=π varpi=ϖ rho=ρ varrho=ϱ sigma=σ varsigma=ς tau=τ upsilon=υ phi=ϕ varphi=φ chi=χ psi=ψ omega=ω
    Gamma=Γ Delta=Δ Theta=Θ Lambda=Λ Xi=Ξ Pi=Π Sigma=Σ Upsilon=Υ Phi=Φ Psi=Ψ Omega=Ω
    times=× div=÷ pm=± mp=∓ cdot=⋅ ast=∗ star=⋆ circ=∘ bullet=• oplus=⊕ otimes=⊗ wedge=∧ land=∧ vee=∨ lor=∨ cap=∩ cup=∪
    setminus=∖ leq=≤ le=≤ geq=≥ ge=≥ neq=≠ ne=≠ ll=≪ gg=≫ equiv=≡ sim=∼ simeq=≃ approx=≈ cong=≅ propto=∝ prec=≺ succ=≻
    subset=⊂ supset=⊃ subseteq=⊆ supseteq=⊇ in=∈ ni=∋ notin=∉ vdash=⊢ models=⊨ perp=⊥ bot=⊥ top=⊤ mid=∣ parallel=∥
    to=→ rightarrow=→ leftarrow=← gets=← leftrightarrow=↔ Rightarrow=⇒ Leftarrow=⇐ Leftrightarrow=⇔ iff=⇔ mapsto=↦
    longrightarrow=⟶ uparrow=↑ downarrow=↓ rightharpoonup=⇀ hookrightarrow=↪
    forall=∀ exists=∃ neg=¬ lnot=¬ nabla=∇ partial=∂ infty=∞ emptyset=∅ varnothing=∅ aleph=ℵ hbar=ℏ ell=ℓ wp=℘ Re=ℜ Im=ℑ
    prime=′ angle=∠ triangle=△ Box=□ square=□ Diamond=◇ diamond=⋄ sum=∑ prod=∏ coprod=∐ int=∫ oint=∮ bigcup=⋃ bigcap=⋂
    surd=√ sqrt=√ ldots=… cdots=⋯ dots=… vdots=⋮ langle=⟨ rangle=⟩ lfloor=⌊ rfloor=⌋ lceil=⌈ rceil=⌉ lbrace={ rbrace=}
    vert=| Vert=‖ lvert=| rvert=| backslash=\\ dagger=† ddagger=‡ degree=° S=§ imath=ı jmath=ȷ`),
  ['quad', ' '],
  ['qquad', ' '],
])

/** Commands of maths that only choose a font, a size or a limit: nothing is left of them. */
export const MATH_SILENT: ReadonlySet<string> = new Set(
  'rm bf it sf tt cal mathrm mathbf mathit mathsf mathtt mathcal mathfrak mathscr mathnormal boldsymbol bm pmb text textrm textit textbf textsf texttt mbox hbox operatorname left right big Big bigg Bigg displaystyle textstyle scriptstyle limits nolimits ensuremath protect'.split(
    ' ',
  ),
)

export const BLACKBOARD: ReadonlyMap<string, string> = table('C=ℂ H=ℍ N=ℕ P=ℙ Q=ℚ R=ℝ Z=ℤ')

function paired(from: string, to: string): ReadonlyMap<string, string> {
  const targets = [...to]
  return new Map([...from].map((char, index) => [char, targets[index] ?? char]))
}

export const SUPERSCRIPTS: ReadonlyMap<string, string> = paired(
  '0123456789+-=()abcdefghijklmnoprstuvwxyz',
  '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ',
)
export const SUBSCRIPTS: ReadonlyMap<string, string> = paired(
  '0123456789+-=()aehijklmnoprstuvx',
  '₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ',
)
