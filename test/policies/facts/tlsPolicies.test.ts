import { expect } from "chai";
import {
  CLOUDFRONT_TLS_POLICY,
  LOAD_BALANCER_TLS_POLICY,
  oldestTlsVersion,
} from "../../../policies/facts/tlsPolicies";

describe("policies/facts/tlsPolicies", () => {
  it("tells the oldest TLS that a policy accepts by its name", () => {
    const versions: [policy: string, version: number][] = [
      [LOAD_BALANCER_TLS_POLICY, 2],
      [CLOUDFRONT_TLS_POLICY, 2],
      ["ELBSecurityPolicy-TLS13-1-3-2021-06", 3],
      ["ELBSecurityPolicy-TLS13-1-0-2021-06", 0],
      ["ELBSecurityPolicy-TLS-1-1-2017-01", 1],
      ["ELBSecurityPolicy-FS-1-2-Res-2020-10", 2],
      ["ELBSecurityPolicy-FS-2018-06", 0],
      ["ELBSecurityPolicy-2016-08", 0],
      ["TLSv1.1_2016", 1],
      ["TLSv1_2016", 0],
      ["SSLv3", 0],
      ["", 0],
    ];
    expect(versions.map(([policy]) => [policy, oldestTlsVersion(policy)])).to.deep.equal(versions);
  });
});
