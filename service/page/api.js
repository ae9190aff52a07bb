// Asking the service, and nothing else.

/** Ask; fail with what the problem says. With a body, it is posted. */
export async function ask(path, parameters = {}, body = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ""));
  const request = body === undefined ? {} : {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(`${path}?${query}`, request);
  } catch {
    throw new Error("The service does not answer. Is it running?");
  }
  const content = await answer.json();
  if (!answer.ok) {
    const faults = (content.errors ?? []).map((fault) => `${fault.parameter}: ${fault.expected}`);
    throw new Error([content.detail, ...faults, content.hint].filter(Boolean).join(". "));
  }
  return content;
}
