// The session request: POST /api/chat/session.

const PATIENCE_MS = 10_000;

/** Ask for a session {token, conversation, shopper, name, socket, expires}; throws on any failure.
 * `request`: {shopper, token, touch, anonymous_id, consent}. */
export async function openSession(address, request) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
    credentials: "same-origin",
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!answer.ok) throw new Error(`session refused with ${answer.status}`);
  return answer.json();
}
