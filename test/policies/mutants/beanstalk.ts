import { Mutant, MutableStack } from "../mutant";

const option = (environment: string, name: string, value: string | undefined) => (stack: MutableStack) => {
  return stack.option(environment, name, value);
};
const both = (name: string, value: string | undefined) => (stack: MutableStack) => {
  return stack.option("web", name, value).option("worker", name, value);
};

export const beanstalk: Mutant[] = [
  // The pair
  ["web-worker-pair", (stack) => stack.remove("environment", "worker")],
  ["web-worker-pair", (stack) => stack.remove("environment", "web")],
  [
    "web-worker-pair",
    (s) => s.set("environment", "worker", "solutionStackName", "64bit Amazon Linux 2023 v4"),
  ],
  ["web-worker-pair", (s) => s.set("environment", "worker", "application", "another")],
  ["web-worker-pair", (s) => s.set("environment", "worker", "tags", { env: "prod2", role: "worker" })],
  ["web-worker-pair", (s) => s.set("environment", "web", "tier", "Worker")],
  ["web-worker-pair", option("worker", "autoscaling:launchconfiguration/ImageId", "ami-0fedcba9876543210")],
  ["web-worker-pair", option("web", "autoscaling:launchconfiguration/ImageId", undefined)],
  ["web-worker-pair", option("web", "elasticbeanstalk:application:environment/RDS_DB_NAME", "another")],
  ["web-worker-pair", option("worker", "elasticbeanstalk:application:environment/EXTRA", "1")],
  [
    "web-worker-pair",
    option(
      "web",
      "elasticbeanstalk:application:environmentsecrets/SECRET_KEY",
      "arn:aws:ssm:x:1:parameter/y",
    ),
  ],
  [
    "web-worker-pair",
    (stack) => {
      for (const [name, builder] of [
        ["web", "a"],
        ["worker", "b"],
      ] as const) {
        stack.option(name, "autoscaling:launchconfiguration/ImageId", "[unknown]");
        stack.get("environment", name).propertyDependencies = {
          settings: [`urn:pulumi:x::iaso::command:local:Command::${builder}`],
        };
      }
    },
  ],
  // Options
  ["beanstalk-options", option("web", "autoscaling:asg/Minsize", "2")],
  ["beanstalk-options", option("web", "elasticbeanstalk:nothing/Name", "2")],
  ["beanstalk-options", option("web", "autoscaling:asg/MinSize", "9")],
  ["beanstalk-options", option("web", "autoscaling:asg/MinSize", "many")],
  ["beanstalk-options", option("web", "elasticbeanstalk:command/BatchSizeType", "Some")],
  ["beanstalk-options", option("web", "autoscaling:launchconfiguration/DisableIMDSv1", "yes")],
  ["beanstalk-options", option("web", "elasticbeanstalk:sqsd/HttpPath", "/tasks/task/")],
  ["beanstalk-options", option("worker", "elasticbeanstalk:sqsd/HttpConnections", "0")],
  ["beanstalk-options", option("worker", "elasticbeanstalk:sqsd/InactivityTimeout", "999999")],
  [
    "beanstalk-options",
    (stack) => {
      const { inputs } = stack.get("environment", "web");
      const settings = inputs.settings as object[];
      inputs.settings = [...settings, settings[0]];
    },
  ],
  ["beanstalk-options", option("web", "ec2:instances/SpotMaxPrice", "100")],
  ["beanstalk-options", option("web", "autoscaling:updatepolicy:rollingupdate/PauseTime", "PT5H")],
  ["beanstalk-options", option("web", "autoscaling:updatepolicy:rollingupdate/Timeout", "30 minutes")],
  [
    "beanstalk-options",
    option("web", "elasticbeanstalk:environment:process:default/MatcherHTTPCode", "200-999"),
  ],
  ["beanstalk-options", option("web", "ec2:instances/SupportedArchitectures", "arm64,mips")],
  ["beanstalk-options", both("elasticbeanstalk:command/DeploymentPolicy", "[unknown]")],
  ["beanstalk-options", option("web", "elb:loadbalancer/CrossZone", "true")],
  ["beanstalk-options", option("web", "autoscaling:asg/MINSIZE", "2")],
  ["beanstalk-options", (stack) => stack.set("environment", "web", "settings", "[unknown]")],
  // What is behind the options
  ["no-saved-template", (stack) => stack.set("environment", "web", "templateName", "saved-in-the-console")],
  ["no-saved-template", (stack) => stack.set("environment", "worker", "templateName", "[unknown]")],
  [
    "instance-profile-own",
    option("web", "autoscaling:launchconfiguration/IamInstanceProfile", "Administrators"),
  ],
  [
    "instance-profile-own",
    (s) =>
      s.option(
        "enketo",
        "autoscaling:launchconfiguration/IamInstanceProfile",
        s.get("environment", "web").inputs.name as string,
      ),
  ],
  ["instance-profile-own", option("web", "autoscaling:launchconfiguration/IamInstanceProfile", undefined)],
  [
    "instance-profile-own",
    option("web", "elasticbeanstalk:environment/ServiceRole", "aws-elasticbeanstalk-service-role"),
  ],
  ["no-coupled-database", option("web", "rds:dbinstance/HasCoupledDatabase", "true")],
  ["no-coupled-database", option("worker", "rds:dbinstance/DBPassword", "hunter2")],
  [
    "application-load-balancer",
    option("web", "elasticbeanstalk:environment/EnvironmentType", "SingleInstance"),
  ],
  [
    "application-load-balancer",
    option("worker", "elasticbeanstalk:environment/EnvironmentType", "SingleInstance"),
  ],
  ["application-load-balancer", option("web", "elasticbeanstalk:environment/LoadBalancerType", "classic")],
  ["application-load-balancer", option("enketo", "elasticbeanstalk:environment/LoadBalancerType", undefined)],
  ["application-load-balancer", option("web", "elasticbeanstalk:environment/LoadBalancerIsShared", "true")],
  // Listeners
  ["https-listener", option("web", "elbv2:listener:443/Protocol", "HTTP")],
  ["https-listener", option("web", "elbv2:listener:443/Protocol", undefined)],
  ["https-listener", option("web", "elbv2:listener:443/ListenerEnabled", "false")],
  ["https-listener", option("web", "elbv2:listener:443/SSLCertificateArns", "")],
  ["https-listener", option("enketo", "elbv2:listener:443/SSLCertificateArns", undefined)],
  ["tls-policy", option("web", "elbv2:listener:443/SSLPolicy", "ELBSecurityPolicy-2016-08")],
  ["tls-policy", option("web", "elbv2:listener:443/SSLPolicy", undefined)],
  ["tls-policy", option("enketo", "elbv2:listener:443/SSLPolicy", "ELBSecurityPolicy-TLS-1-1-2017-01")],
  ["tls-policy", option("web", "elbv2:listener:443/SSLPolicy", "ELBSecurityPolicy-TLS13-1-0-2021-06")],
  ["plain-http-off", option("web", "elbv2:listener:default/ListenerEnabled", "true")],
  ["plain-http-off", option("web", "elbv2:listener:default/ListenerEnabled", undefined)],
  ["plain-http-off", option("web", "elbv2:listener:8080/Protocol", "HTTP")],
  ["plain-http-off", option("web", "elbv2:listener:8080/ListenerEnabled", "true")],
  ["plain-http-off", option("web", "elbv2:listener:80/DefaultProcess", "default")],
  ["tls-policy", option("web", "elbv2:listener:8443/Protocol", "HTTPS")],
  [
    "tls-policy",
    (stack) =>
      stack
        .option("web", "elbv2:listener:8443/Protocol", "HTTPS")
        .option("web", "elbv2:listener:8443/SSLPolicy", "ELBSecurityPolicy-2016-08"),
  ],
  [
    "listener-redirects",
    (stack) =>
      Object.assign(stack.get("listener", "web-redirect-to-https").inputs, {
        protocol: "HTTPS",
        port: 8443,
        sslPolicy: "ELBSecurityPolicy-TLS-1-0-2015-04",
      }),
  ],
  [
    "listener-redirects",
    (s) =>
      s.set("listener", "web-redirect-to-https", "defaultActions", [
        { type: "redirect", redirect: { protocol: "HTTPS", port: "443", host: "iaso.example.net" } },
      ]),
  ],
  [
    "listener-redirects",
    (s) => s.set("listener", "web-redirect-to-https", "defaultActions", [{ type: "forward" }]),
  ],
  ["listener-redirects", (s) => s.set("listener", "web-redirect-to-https", "defaultActions", [])],
  [
    "listener-redirects",
    (s) =>
      s.set("listener", "web-redirect-to-https", "defaultActions", [
        { type: "redirect", redirect: { protocol: "HTTP", port: "8080", statusCode: "HTTP_301" } },
      ]),
  ],
  // Instances
  ["imds-v2", option("web", "autoscaling:launchconfiguration/DisableIMDSv1", "false")],
  ["imds-v2", option("worker", "autoscaling:launchconfiguration/DisableIMDSv1", undefined)],
  ["no-ssh", option("web", "autoscaling:launchconfiguration/EC2KeyName", "ops")],
  ["no-ssh", option("worker", "autoscaling:launchconfiguration/SSHSourceRestriction", "tcp,22,22,0.0.0.0/0")],
  [
    "no-default-group",
    option("worker", "autoscaling:launchconfiguration/DisableDefaultEC2SecurityGroup", "false"),
  ],
  [
    "no-default-group",
    option("web", "autoscaling:launchconfiguration/DisableDefaultEC2SecurityGroup", undefined),
  ],
  ["instances-without-public-ip", option("worker", "ec2:vpc/AssociatePublicIpAddress", "true")],
  ["instances-without-public-ip", option("web", "ec2:vpc/AssociatePublicIpAddress", undefined)],
  [
    "supported-platform",
    (s) => s.set("environment", "web", "solutionStackName", "64bit Amazon Linux 2 v3.5.0"),
  ],
  [
    "supported-platform",
    (stack) => {
      stack.set("environment", "enketo", "solutionStackName", undefined);
      stack.set(
        "environment",
        "enketo",
        "platformArn",
        "arn:aws:elasticbeanstalk:eu-central-1::platform/Docker running on 64bit Amazon Linux/2.17",
      );
    },
  ],
  ["supported-platform", (stack) => stack.set("environment", "worker", "solutionStackName", undefined)],
  [
    "supported-platform",
    (s) =>
      s.set("environment", "web", "solutionStackName", "64bit Amazon Linux 2023 v4.13.5 running Python 3.9"),
  ],
  [
    "supported-platform",
    (s) =>
      s.set("environment", "web", "solutionStackName", "64bit Amazon Linux 2023 v4.13.9 running Python 3.10"),
  ],
  // Health and logs
  ["enhanced-health", option("web", "elasticbeanstalk:healthreporting:system/SystemType", "basic")],
  ["enhanced-health", both("elasticbeanstalk:healthreporting:system/SystemType", undefined)],
  ["enhanced-health", both("elasticbeanstalk:command/IgnoreHealthCheck", "true")],
  ["log-streaming", option("web", "elasticbeanstalk:cloudwatch:logs/DeleteOnTerminate", "true")],
  ["log-streaming", option("worker", "elasticbeanstalk:cloudwatch:logs/StreamLogs", "false")],
  ["log-streaming", option("web", "elasticbeanstalk:cloudwatch:logs/RetentionInDays", undefined)],
  ["health-path", option("web", "elasticbeanstalk:environment:process:default/HealthCheckPath", "/_health")],
  ["health-path", option("worker", "elasticbeanstalk:application/Application Healthcheck URL", "/")],
  // The worker
  ["worker-timeouts", option("worker", "elasticbeanstalk:sqsd/VisibilityTimeout", "30")],
  ["worker-timeouts", option("worker", "elasticbeanstalk:sqsd/HttpPath", "/")],
  ["worker-timeouts", option("worker", "elasticbeanstalk:sqsd/HttpPath", "/tasks/task")],
  ["worker-timeouts", option("worker", "elasticbeanstalk:sqsd/InactivityTimeout", "[unknown]")],
  ["worker-timeouts", option("worker", "elasticbeanstalk:sqsd/InactivityTimeout", "961")],
  ["worker-unreachable", option("worker", "autoscaling:launchconfiguration/SecurityGroups", undefined)],
  [
    "worker-unreachable",
    (stack) => (stack.get("environment", "worker").propertyDependencies = { settings: [] }),
  ],
  [
    "worker-unreachable",
    (stack) => {
      const urn = stack.resources.find(
        ({ type, name }) => /:SecurityGroup$/.test(type) && name === "worker",
      )?.urn;
      stack.add(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "worker-from-vpc",
        { cidrIpv4: "10.0.0.0/16", fromPort: 80, toPort: 80, ipProtocol: "tcp", tags: {} },
        { propertyDependencies: { securityGroupId: [urn ?? ""] } },
      );
    },
  ],
  [
    "worker-unreachable",
    (stack) => {
      const group = stack.resources.find(
        ({ type, name }) => /:SecurityGroup$/.test(type) && name === "load-balancer",
      );
      const worker = stack.get("environment", "worker");
      worker.propertyDependencies = {
        settings: [...(worker.propertyDependencies?.settings ?? []), group?.urn ?? ""],
      };
    },
  ],
  ["variables-size", (stack) => stack.variable("DNS_DOMAIN", "x".repeat(4000))],
  [
    "variables-size",
    (stack) => {
      const settings = stack.get("environment", "web").inputs.settings as Record<string, string>[];
      const size = settings
        .filter(({ namespace = "" }) => namespace.startsWith("aws:elasticbeanstalk:application:environment"))
        .reduce((sum, { name = "", value = "" }) => sum + name.length + value.length + 2, 0);
      stack.option("web", "elasticbeanstalk:application:environment/X", "x".repeat(4097 - size - 3));
    },
  ],
];
