/** An example as docs/PROTOCOL.md shows it: what fits on a line is on one line. */
const columns = 96;

export function exampleJson(value: unknown, indent = ''): string {
  const flat = flatJson(value);
  if (indent.length + flat.length <= columns || typeof value !== 'object' || value === null) {
    return flat;
  }
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const lines = Object.entries(value).map(([name, item]) => {
    const label = isList ? '' : `${JSON.stringify(name)}: `;
    return `${inner}${label}${exampleJson(item, inner)}`;
  });
  const [open, close] = isList ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

function flatJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flatJson).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(
    ([name, item]) => `${JSON.stringify(name)}: ${flatJson(item)}`,
  );
  return fields.length === 0 ? '{}' : `{${fields.join(', ')}}`;
}
