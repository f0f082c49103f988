/**
 * The ports at which mail servers take SMTP with STARTTLS, as Iaso speaks it. Port 25 is not among them, because EC2
 * blocks it; 465 and 2465 expect TLS from the first byte.
 *
 * @see https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp
 * @see https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-resource-limits.html
 */
export const STARTTLS_PORTS = ["587", "2525", "2587"] as const;
