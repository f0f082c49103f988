import { expect } from "chai";
import {
  CLOUDFRONT_TLS_POLICY,
  isModernLoadBalancerPolicy,
  LOAD_BALANCER_TLS_POLICY,
  MODERN_CLOUDFRONT_POLICIES,
} from "../../../policies/facts/tlsPolicies";

describe("policies/facts/tlsPolicies", () => {
  it("knows the policies of load balancers that accept TLS 1.2 and newer only", () => {
    const policies: [policy: string, isModern: boolean][] = [
      [LOAD_BALANCER_TLS_POLICY, true],
      ["ELBSecurityPolicy-TLS13-1-3-2021-06", true],
      ["ELBSecurityPolicy-TLS13-1-2-Res-2021-06", true],
      ["ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", true],
      ["ELBSecurityPolicy-TLS13-1-2-FIPS-PQ-2025-09", true],
      ["ELBSecurityPolicy-TLS-1-2-Ext-2018-06", true],
      ["ELBSecurityPolicy-FS-1-2-Res-2020-10", true],
      ["ELBSecurityPolicy-TLS13-1-0-2021-06", false],
      ["ELBSecurityPolicy-TLS13-1-1-2021-06", false],
      ["ELBSecurityPolicy-TLS-1-1-2017-01", false],
      ["ELBSecurityPolicy-FS-2018-06", false],
      ["ELBSecurityPolicy-2016-08", false],
      // AWS has none of this name.
      ["ELBSecurityPolicy-TLS13-1-2-2021-07", false],
      ["", false],
    ];
    expect(policies.map(([policy]) => [policy, isModernLoadBalancerPolicy(policy)])).to.deep.equal(policies);
  });

  it("counts the policy that the platform writes as modern, and older ones not", () => {
    expect(MODERN_CLOUDFRONT_POLICIES).to.include(CLOUDFRONT_TLS_POLICY);
    expect(MODERN_CLOUDFRONT_POLICIES).to.not.include.members(["TLSv1.2_2019"]);
  });
});
