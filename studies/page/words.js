// The page's own words, in the language of the study (see words.yaml).

let table = {};

export function setWords(words) {
  table = words;
}

/** The words of this name, with what stands in braces filled in. */
export function say(name, values = {}) {
  const text = table[name] ?? name;
  return text.replace(/\{(\w+)\}/g, (gap, key) => values[key] ?? gap);
}

/** How an answer is written on its button: those of ours in the language of the study, others as they are. */
export function shown(answer) {
  return table[`answer_${answer}`] ?? answer;
}

export function escaped(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

export function paragraphs(text) {
  return text.trim().split(/\n\s*\n/).map((part) => `<p>${escaped(part)}</p>`).join("");
}

export function element(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}
