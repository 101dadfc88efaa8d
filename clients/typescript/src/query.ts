type Value = string | number | boolean | readonly (string | number)[] | null | undefined;

/** Write query parameters: lists as several of one name, nothing for what is not given. */
export function writeQuery(fields: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields) as [string, Value][]) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  return query.size > 0 ? `?${query}` : "";
}
