import { isModernLoadBalancerPolicy, LOAD_BALANCER_TLS_POLICY } from "../../facts/tlsPolicies";
import { defineRule } from "../../rule";
import { array, at, demand, isUnknown, notEvaluated, text } from "../../values";
import { demandOption, Environment, ENVIRONMENT, isWeb, optionOf, settingsOf } from "../../optionSettings";

const HTTPS_LISTENER = "aws:elbv2:listener:443";
const DEFAULT_LISTENER = "aws:elbv2:listener:default";

const isModernTls = (policy: unknown): boolean => isModernLoadBalancerPolicy(text(policy));

const isFalseOrUnset = (value: string): boolean => value === "" || value === "false";

export const applicationLoadBalancer = defineRule({
  name: "application-load-balancer",
  types: [ENVIRONMENT],
  description:
    "Instances are behind a load balancer; the one of web is an Application Load Balancer of its own",
  why: "a single instance has a public address, and other load balancers ignore the listeners that the rules judge",
  severity: "critical",
  check: (environment) => {
    const { tier } = environment.inputs;
    const namespace = "aws:elasticbeanstalk:environment";
    return [
      ...demand(tier, ["WebServer", "Worker"].includes(text(tier)), "tier", "WebServer or Worker"),
      ...demandOption(environment, namespace, "EnvironmentType", "LoadBalanced"),
      ...(isWeb(environment) ? demandOption(environment, namespace, "LoadBalancerType", "application") : []),
      ...demandOption(environment, namespace, "LoadBalancerIsShared", "false", isFalseOrUnset),
    ];
  },
});

export const httpsListener = defineRule({
  name: "https-listener",
  types: [ENVIRONMENT],
  description: "The load balancer serves HTTPS with a certificate on port 443",
  why: "others on the network could read passwords",
  severity: "critical",
  reference: "AWS FSBP ELB.1",
  check: (environment) => {
    if (!isWeb(environment)) return [];
    const certificate = optionOf(environment, HTTPS_LISTENER, "SSLCertificateArns");
    return [
      ...demandOption(environment, HTTPS_LISTENER, "Protocol", "HTTPS"),
      ...(optionOf(environment, HTTPS_LISTENER, "ListenerEnabled") === undefined
        ? []
        : demandOption(environment, HTTPS_LISTENER, "ListenerEnabled", "true", (value) => value !== "false")),
      // The ARN of a certificate that is not issued yet is unknown.
      ...(isUnknown(certificate)
        ? []
        : demandOption(
            environment,
            HTTPS_LISTENER,
            "SSLCertificateArns",
            "the ARN of the certificate",
            (value) => value.startsWith("arn:"),
          )),
    ];
  },
});

/** The namespaces of the listeners that are on, without the default listener. */
const listenersOf = (environment: Environment): string[] =>
  [...new Set(settingsOf(environment).map(({ namespace }) => namespace))]
    .filter((namespace) => namespace.startsWith("aws:elbv2:listener:") && namespace !== DEFAULT_LISTENER)
    .filter((listener) => text(optionOf(environment, listener, "ListenerEnabled")) !== "false");

export const tlsPolicy = defineRule({
  name: "tls-policy",
  types: [ENVIRONMENT],
  description: "Every listener accepts TLS 1.2 and newer only",
  why: "attackers can break older versions",
  severity: "high",
  reference: "AWS FSBP ELB.17",
  check: (environment) =>
    isWeb(environment)
      ? [...new Set([HTTPS_LISTENER, ...listenersOf(environment)])].flatMap((listener) =>
          demandOption(environment, listener, "SSLPolicy", LOAD_BALANCER_TLS_POLICY, isModernTls),
        )
      : [],
});

export const plainHttpOff = defineRule({
  name: "plain-http-off",
  types: [ENVIRONMENT],
  description: "The default listener on port 80 does not serve the application",
  why: "others on the network could read passwords",
  severity: "critical",
  check: (environment) => [
    ...(isWeb(environment) ? demandOption(environment, DEFAULT_LISTENER, "ListenerEnabled", "false") : []),
    ...listenersOf(environment)
      .filter((listener) => listener !== HTTPS_LISTENER)
      .flatMap((listener) =>
        demandOption(
          environment,
          listener,
          "Protocol",
          "HTTPS, or remove the listener",
          (value) => value === "HTTPS",
        ),
      ),
  ],
});

export const listenerRedirects = defineRule({
  name: "listener-redirects",
  types: ["aws:lb/listener:Listener"],
  description:
    "An HTTP listener only redirects to HTTPS on the same host; an HTTPS listener accepts TLS 1.2 and newer",
  why: "others on the network could read passwords, or they would go to another host",
  severity: "critical",
  reference: "AWS FSBP ELB.1",
  check: ({ inputs: { protocol, defaultActions, sslPolicy } }) => {
    if (isUnknown(protocol) || isUnknown(defaultActions)) return notEvaluated("protocol or action");
    if (protocol === "HTTPS")
      return demand(sslPolicy, isModernTls(sslPolicy), "sslPolicy", LOAD_BALANCER_TLS_POLICY);
    const actions = array(defaultActions);
    const redirects = actions.every((action) => {
      const redirect = at(action, "redirect");
      const host = at(redirect, "host");
      return (
        at(action, "type") === "redirect" &&
        at(redirect, "protocol") === "HTTPS" &&
        (host === undefined || host === "#{host}")
      );
    });
    return actions.length > 0 && redirects
      ? []
      : [
          "The listener serves plain HTTP, or redirects to another host. Write one default action of type redirect with protocol HTTPS and no host.",
        ];
  },
});
