/** A product of one function, in which bugs are planted. */
export function doubled(points: number): number {
  return points * 2;
}
