import { statementsOf } from "../../iam/document";
import { defineRule } from "../../rule";
import { first, hasUnknown, text } from "../../values";
import { POLICY, ROLE, ROLE_POLICY } from "./grants";

export const validSids = defineRule({
  name: "valid-sids",
  types: [ROLE, POLICY, ROLE_POLICY],
  description: "The Sids of a policy are unique, of letters and digits",
  why: "IAM refuses the policy",
  severity: "high",
  check: ({ inputs }) =>
    (["policy", "assumeRolePolicy"] as const).flatMap((property) => {
      const document = (inputs as Record<string, unknown>)[property];
      if (document === undefined || hasUnknown(document)) return [];
      const sids = statementsOf(document).flatMap(({ Sid }) => (Sid === undefined ? [] : [text(Sid)]));
      const wrong = sids.filter((sid, index) => !/^[A-Za-z0-9]*$/.test(sid) || sids.indexOf(sid) !== index);
      return wrong.length === 0
        ? []
        : [
            `Sid ${first([...new Set(wrong)])} of ${property} is not valid or there twice. Write another one.`,
          ];
    }),
});
