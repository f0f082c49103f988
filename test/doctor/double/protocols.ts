import { AwsFault, type DoubleResponse, escapeXml, toXml, type Xml } from "../../deploy/double/protocol";

/** How a service is spoken to: its errors and results look different in each protocol. */
export type Protocol = "query" | "ec2" | "json" | "rest-json" | "rest-xml";

/** By the service's name in the signature of a request. */
export const PROTOCOLS: Record<string, Protocol> = {
  acm: "json",
  backup: "rest-json",
  ec2: "ec2",
  elasticbeanstalk: "query",
  elasticloadbalancing: "query",
  iam: "query",
  monitoring: "json",
  rds: "query",
  route53: "rest-xml",
  s3: "rest-xml",
  servicequotas: "json",
  sns: "query",
  sqs: "json",
  ssm: "json",
  sts: "query",
};

/** Elements of lists that the query services do not call "member", by the list. */
const ITEMS: Record<string, string> = {
  AvailabilityZones: "AvailabilityZone",
  DBInstances: "DBInstance",
  DBSnapshots: "DBSnapshot",
  DBInstanceAutomatedBackups: "DBInstanceAutomatedBackup",
  OrderableDBInstanceOptions: "OrderableDBInstanceOption",
  ReadReplicaDBInstanceIdentifiers: "ReadReplicaDBInstanceIdentifier",
};

export function success(protocol: Protocol, operation: string, result: unknown): DoubleResponse {
  switch (protocol) {
    case "json":
      return {
        status: 200,
        headers: { "content-type": "application/x-amz-json-1.1" },
        body: JSON.stringify(result),
      };
    case "ec2":
      return xml(200, `<${operation}Response>${toXml(result as Xml, "item")}</${operation}Response>`);
    case "query": {
      const body = toXml(result as Xml, "member", ITEMS);
      return xml(
        200,
        `<${operation}Response><${operation}Result>${body}</${operation}Result></${operation}Response>`,
      );
    }
    case "rest-json":
      return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(result) };
    case "rest-xml":
      return xml(200, String(result));
  }
}

export function failure(service: string, fault: AwsFault): DoubleResponse {
  const { code, status } = fault;
  const message = escapeXml(fault.message);
  switch (PROTOCOLS[service]) {
    case "json":
      return {
        status,
        headers: { "content-type": "application/x-amz-json-1.1" },
        body: JSON.stringify({ __type: code, message: fault.message }),
      };
    case "rest-json":
      return {
        status,
        headers: { "content-type": "application/json", "x-amzn-errortype": code },
        body: JSON.stringify({ message: fault.message }),
      };
    case "ec2":
      return xml(
        status,
        `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors></Response>`,
      );
    default: {
      const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
      return xml(status, service === "s3" ? error : `<ErrorResponse>${error}</ErrorResponse>`);
    }
  }
}

/** The name of the error by which each service refuses a call without permission, and its status. */
export function denial(service: string, action: string): AwsFault {
  const message = `User is not authorized to perform: ${action}`;
  if (service === "ec2") return new AwsFault("UnauthorizedOperation", message, 403);
  if (service === "sns") return new AwsFault("AuthorizationError", message, 403);
  if (/json$/.test(PROTOCOLS[service] ?? "")) return new AwsFault("AccessDeniedException", message, 400);
  return new AwsFault("AccessDenied", message, 403);
}

function xml(status: number, body: string): DoubleResponse {
  return { status, headers: { "content-type": "text/xml" }, body };
}
