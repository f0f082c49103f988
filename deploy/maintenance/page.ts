/** Seconds after which the page loads itself again. */
const AGAIN_SECONDS = 60;

/**
 * The maintenance page. A fixed response of a load balancer has a status, a content type and at most 1,024 bytes, but no
 * further headers. So it cannot have `Retry-After`, and the page loads itself again instead.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html
 */
export const PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="${AGAIN_SECONDS}">
<meta name="viewport" content="width=device-width">
<title>Iaso: maintenance</title>
<style>body{font-family:sans-serif;max-width:32em;margin:4em auto;padding:0 1em}</style>
</head>
<body>
<h1>Iaso is being updated</h1>
<p>Iaso is back soon. This page loads itself again every minute. Forms on your device stay there until you send them.</p>
<h1 lang="fr">Iaso est en cours de mise à jour</h1>
<p lang="fr">Iaso sera bientôt de retour. Cette page se recharge chaque minute. Les formulaires de votre appareil y restent jusqu'à leur envoi.</p>
</body>
</html>
`;
