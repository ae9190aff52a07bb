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
  let content;
  try {
    answer = await fetch(`${path}?${query}`, request);
    content = await answer.json();
  } catch {
    // Nobody is there, or a proxy answers with a page of its own.
    throw new Error("The service does not answer. Is it running?");
  }
  if (!answer.ok) {
    const faults = (content.errors ?? []).map((fault) => `${fault.parameter}: ${fault.expected}`);
    const message = [content.detail, ...faults, content.hint].filter(Boolean).join(". ");
    throw Object.assign(new Error(message), { status: answer.status });
  }
  return content;
}
