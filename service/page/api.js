// Asking the service, and nothing else. Addresses are relative to the page's base.

/** Ask; fail with what the problem says. An object as the body is posted as JSON, anything else as it is. */
export async function ask(path, parameters = [], body = undefined) {
  const query = String(new URLSearchParams(parameters));
  const request = body === undefined ? {} : { method: "POST", ...posted(body) };
  let answer;
  let content;
  try {
    answer = await fetch(query ? `${path}?${query}` : path, request);
    content = await answer.json();
  } catch {
    // Nobody is there, or a proxy answers with a page of its own.
    throw new Error("The service does not answer. Is it running?");
  }
  if (!answer.ok) {
    const faults = (content.errors ?? []).map((fault) => `${fault.parameter}: ${fault.expected}`);
    const message = [content.detail, ...faults, content.hint].filter(Boolean).join(". ");
    throw Object.assign(new Error(message), { status: answer.status, code: content.code });
  }
  return content;
}

function posted(body) {
  if (body instanceof FormData) return { body };
  return { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
