// The difference of two texts, line by line.
//
// compare("a\nb", "a\nc")   [{sign: " ", text: "a", line: 1}, {sign: "-", text: "b", line: null},
//                            {sign: "+", text: "c", line: 2}]
//
// `line` counts the lines of the second text. Lines that both texts open or end with are set aside;
// the rest is matched by a longest common subsequence.

export function compare(before, after) {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [i, j] = [a.length, b.length];
  while (i > start && j > start && a[i - 1] === b[j - 1]) i--, j--;
  const rows = [...keep(b, 0, start), ...middle(a.slice(start, i), b.slice(start, j), start)];
  return [...rows, ...keep(b, j, b.length)];
}

const keep = (lines, from, to) =>
  lines.slice(from, to).map((text, i) => ({ sign: " ", text, line: from + i + 1 }));

function middle(a, b, offset) {
  const common = lengths(a, b);
  const rows = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      rows.push({ sign: " ", text: b[j++], line: offset + j });
      i++;
    } else if (i < a.length && (j === b.length || common[i + 1][j] >= common[i][j + 1])) {
      rows.push({ sign: "-", text: a[i++], line: null });
    } else {
      rows.push({ sign: "+", text: b[j++], line: offset + j });
    }
  }
  return rows;
}

// common[i][j]: the length of the longest common subsequence of a[i..] and b[j..].
function lengths(a, b) {
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i][j] =
        a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  return common;
}
