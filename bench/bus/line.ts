export type Point = readonly [x: number, y: number]

export interface Line {
  readonly slope: number
  /** At the first x. */
  readonly atStart: number
}

/** The line of least squares. */
export function lineThrough(points: readonly Point[]): Line {
  const mean = (axis: 0 | 1): number => points.reduce((sum, point) => sum + point[axis], 0) / points.length
  const [meanX, meanY] = [mean(0), mean(1)]
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
  return { slope, atStart: meanY + slope * ((points[0]?.[0] ?? Number.NaN) - meanX) }
}
