// Which names were perhaps meant by one that does not exist: those that few changes of letters lead to.

const maxNear = 3;

/** Up to three known names that are near to a given one, nearest first; none where nothing is alike. */
export function nearestNames(name: string, known: readonly string[]): string[] {
  const limit = Math.max(1, Math.floor(name.length / 3));
  return known
    .map((other) => ({ other, distance: changesBetween(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, distance }) => distance <= limit || isBeginning(name, other))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, maxNear)
    .map(({ other }) => other);
}

/** Whether one name begins with the other, of which three letters at least are there. */
function isBeginning(name: string, other: string): boolean {
  const [short, long] = [name.toLowerCase(), other.toLowerCase()].sort((a, b) => a.length - b.length);
  return short!.length >= 3 && long!.startsWith(short!);
}

/** Letters put in, left out, replaced, or swapped with their neighbour, at least, from one name to another. */
function changesBetween(a: string, b: string): number {
  let [beforeLast, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, k) => k)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let k = 1; k <= b.length; k += 1) {
      const isSame = a[i - 1] === b[k - 1];
      row[k] = Math.min(row[k - 1]! + 1, last[k]! + 1, last[k - 1]! + (isSame ? 0 : 1));
      if (i > 1 && k > 1 && a[i - 1] === b[k - 2] && a[i - 2] === b[k - 1])
        row[k] = Math.min(row[k]!, beforeLast[k - 2]! + 1);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
