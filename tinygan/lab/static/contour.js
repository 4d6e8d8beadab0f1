// The lines on which a table of values crosses a level: marching squares.

// values (rows * columns) -> [[[x, y], [x, y]], ...]: pieces of lines, in cells of the table; where
// a value lies in column 3 of row 5, x = 3 and y = 5.
export function contour(values, rows, columns, level) {
  const pieces = [];
  const above = (x, y) => values[y * columns + x] - level;
  // The point between two neighbors where the value crosses the level, or null.
  const crossing = (x0, y0, x1, y1) => {
    const [a, b] = [above(x0, y0), above(x1, y1)];
    if (a > 0 === b > 0) return null;
    const t = a / (a - b);
    return [x0 + t * (x1 - x0), y0 + t * (y1 - y0)];
  };
  for (let y = 0; y + 1 < rows; y++) {
    for (let x = 0; x + 1 < columns; x++) {
      const points = [
        crossing(x, y, x + 1, y),
        crossing(x + 1, y, x + 1, y + 1),
        crossing(x, y + 1, x + 1, y + 1),
        crossing(x, y, x, y + 1),
      ].filter(Boolean);
      for (let i = 0; i + 1 < points.length; i += 2) pieces.push([points[i], points[i + 1]]);
    }
  }
  return pieces;
}
