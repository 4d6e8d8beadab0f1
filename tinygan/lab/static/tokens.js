// Python text as lines of tokens, for coloring.
//
// lines("x = 1  # one")   [[{kind: "name", text: "x"}, {kind: "", text: " = "}, ...]]
//
// A kind is "keyword", "string", "comment", "number", "definition" (the name after def or class),
// "name" or "" (operators and spaces). A string over several lines is split at the line ends.

const KEYWORDS = new Set(
  `False None True and as assert async await break class continue def del elif else except finally
   for from global if import in is lambda nonlocal not or pass raise return try while with
   yield`.split(/\s+/),
);

const TOKEN = new RegExp(
  [
    "(?<comment>#[^\\n]*)",
    "(?<string>[rRbBfFuU]{0,2}(?:" +
      '"""(?:\\\\[\\s\\S]|[^\\\\])*?(?:"""|$)|' +
      "'''(?:\\\\[\\s\\S]|[^\\\\])*?(?:'''|$)|" +
      '"(?:\\\\.|[^"\\\\\\n])*"?|' +
      "'(?:\\\\.|[^'\\\\\\n])*'?))",
    "(?<number>0[xXbBoO][\\da-fA-F_]+|(?:\\d[\\d_]*\\.?[\\d_]*|\\.\\d[\\d_]*)(?:[eE][+-]?\\d+)?j?)",
    "(?<name>[\\p{L}_][\\p{L}\\p{N}_]*)",
    "[^\\S\\n]+|[^\\s]|\\n",
  ].join("|"),
  "gu",
);

export function lines(text) {
  const result = [[]];
  let before = "";
  for (const match of text.matchAll(TOKEN)) {
    const kind = kindOf(match, before);
    match[0].split("\n").forEach((part, i) => {
      if (i > 0) result.push([]);
      if (part) result.at(-1).push({ kind, text: part });
    });
    if (match[0].trim()) before = match[0];
  }
  return result;
}

function kindOf({ 0: text, groups }, before) {
  if (groups.name === undefined) {
    return ["comment", "string", "number"].find((kind) => groups[kind] !== undefined) ?? "";
  }
  if (before === "def" || before === "class") return "definition";
  return KEYWORDS.has(text) ? "keyword" : "name";
}
