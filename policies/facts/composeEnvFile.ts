/**
 * The rules of `.env`, in which Beanstalk's Docker platform passes environment variables, plain and secret, to Docker
 * Compose. Beanstalk writes one line for each variable, `NAME=value`. Compose replaces `$NAME`, ends an unquoted value
 * at ` #`, trims it, and reads quotes at its beginning as syntax. Whether Beanstalk ever writes quotes is not documented,
 * so a value must also survive inside them: without quotes and backslashes.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/create_deploy_docker.container.console.html
 * @see https://github.com/compose-spec/compose-go/blob/v2.4.7/dotenv/parser.go
 */
const CHANGED = /[$"'\\\p{Cc}\u2028\u2029]|\s#|^\s|\s$/u;

/** The accepted values, for messages. */
export const PASSES_COMPOSE =
  "without $, quotes, backslashes and spaces before #, which Docker Compose changes in the file .env";

/** Returns true if a container gets a variable's value unchanged. */
export function passesCompose(value: string): boolean {
  return !CHANGED.test(value);
}
