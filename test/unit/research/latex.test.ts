import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeVerbatim } from '../../../src/research/bibtex/latex.ts'
import { decodeLatex } from '../../../src/research/index.ts'

const cases: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'accents, in every way of writing them': [
    [String.raw`\'{e}\'e{\'e}\'\i{}{\'{\i}}`, 'éééíí'],
    [
      String.raw`{\"O}zge {\c{C}}etin \v{c}\v c \H{o} \k{a} \u{g} \r{u} \=a \.z \d{s} \b{t}`,
      'Özge Çetin čč ő ą ğ ů ā ż ṣ ṯ',
    ],
    [String.raw`Aks{\i}n \t{oo} na\"{\i}ve G\"odel \~n \^{o}`, 'Aksın o͡o naïve Gödel ñ ô'],
    ['\\`{a} \\`a', 'à à'],
    ['e\u0301', 'é'],
  ],
  'letters and signs': [
    [String.raw`\ss \o \O \ae \AE \oe \aa \AA \l \L \dh \th {\ss}e M\o ller {\L}ukasz`, 'ßøØæÆœåÅłŁðþße Møller Łukasz'],
    [String.raw`AT\&T 50\% \#1 a\_b \$5 \{x\} \S 4 \copyright \dots`, 'AT&T 50% #1 a_b $5 {x} §4 ©…'],
    [String.raw`a~b\,c\ d\\e\quad f \textbackslash{} \textasciitilde{} \~{}`, 'a b c d e f \\ ~ ~'],
  ],
  'dashes and quotes': [
    ['3--4 a---b c-d', '3–4 a—b c-d'],
    ["``Foo'' and `bar' don't", "“Foo” and ‘bar’ don't"],
    [String.raw`\enquote{a} \mkbibquote{b}`, '“a” “b”'],
  ],
  'groups, fonts and commands': [
    ['{BERT}: {P}re-training', 'BERT: Pre-training'],
    [String.raw`\emph{a \textbf{b}} {\em c} {\sc nonlin} \noopsort{1}2 \foo[x]{d}`, 'a b c nonlin 2 d'],
    [String.raw`\href{http://a.b}{text} \url{http://x.y/\_a} \texttt{code} \verb|a_b|`, 'text http://x.y/_a code a_b'],
    [String.raw`H\textsubscript{2}O 5\textsuperscript{th} \TeX book`, 'H₂O 5th TeXbook'],
  ],
  'maths as text': [
    [String.raw`$\alpha$-helix $7\pm2$ $2 \times 2$ $1/{F}^2$ \(\theta\)`, 'α-helix 7±2 2 × 2 1/F² θ'],
    [String.raw`$x_{ij}^{n+1}$ $\hat{x}\in\mathbb{R}^n$ $\frac{1}{2}$ $O(n \log n)$`, 'xᵢⱼⁿ⁺¹ x̂∈ℝⁿ 1/2 O(n log n)'],
    [
      String.raw`radix-2\({}^{\mbox{k}}\) 5\({}^{\mbox{th}}\) {\(\mathrm{\mu}\)}m $e^{Q}$ $\unknown$`,
      'radix-2ᵏ 5th μm e^Q unknown',
    ],
    [String.raw`costs $5, not \$6`, 'costs $5, not $6'],
  ],
  'what is broken': [
    ['a } b { c', 'a b c'],
    ['a \\', 'a'],
    [String.raw`\'`, ''],
    ['$x', '$x'],
    ['{'.repeat(500), ''],
    [String.raw`\emph`.repeat(500), ''],
  ],
}

for (const [name, pairs] of Object.entries(cases)) {
  describe(`decodeLatex: ${name}`, () => {
    for (const [latex, text] of pairs) {
      it(latex.slice(0, 60), () => assert.equal(decodeLatex(latex), text))
    }
  })
}

describe('decodeLatex: hostile values', () => {
  for (const piece of [
    '\\"',
    '{',
    '$',
    '\\(',
    '\\textsuperscript',
    '\\ensuremath{',
    '$^',
    '\\url{',
    "`'",
    '\\href{',
    '\\verb|',
  ]) {
    it(`${piece} a hundred thousand times`, () => assert.equal(typeof decodeLatex(piece.repeat(100_000)), 'string'))
  }
})

describe('decodeVerbatim', () => {
  it('removes grouping and escapes and leaves the rest', () => {
    assert.equal(decodeVerbatim(String.raw`\url{http://a.b/\~{}c\_d?x=1\&y=\%20--z}`), 'http://a.b/~c_d?x=1&y=%20--z')
    assert.equal(
      decodeVerbatim('10.1002/(SICI)1096-987X(199803)19:4<377::AID>3.0.CO;2-P'),
      '10.1002/(SICI)1096-987X(199803)19:4<377::AID>3.0.CO;2-P',
    )
  })
})
