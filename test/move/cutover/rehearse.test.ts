import { expect } from "chai";
import { UserError } from "../../../cli/userError";
import { goBack } from "../../../move/cutover/back";
import { ChangedWhileCopied } from "../../../move/media/run";
import { FAULT_KINDS } from "../../deploy/double/aws";
import { done } from "./ended";
import { createPlatforms, mismatchesAfter, mismatchesBefore, moving, NAME, run, USER } from "./platforms";

describe("move rehearse", () => {
  it("restores, migrates and checks while the existing Iaso is in use, and tells the cutover how long that takes", async () => {
    const platforms = createPlatforms();
    const { double, iaso } = platforms;
    const { code, output } = await done(platforms, moving("rehearsal"), { user: USER });
    expect([code, mismatchesBefore(platforms)], output).to.deep.equal([0, []]);
    expect(iaso.refused).to.equal(0);
    expect(double.fits()).to.equal(true);
    expect(output)
      .to.match(/ {2}restoring: \d+ min/)
      .and.match(/Expected interruption of a cutover: \d+ min/)
      .and.include("loads.")
      .and.include(`npm run database -- delete-replaced staging`);
    const [, expected = "?"] = /Expected interruption of a cutover: ([^,]+),/.exec(output) ?? [];
    const moved = await done(platforms, moving());
    expect(moved.output)
      .to.include(`Expected: ${expected}, as in the rehearsal of 2026-01-05T`)
      .and.include(`An earlier run left ${NAME}-replaced-1`);
    expect([moved.code, mismatchesAfter(platforms)]).to.deep.equal([0, []]);
  });

  it("goes on or ends after a stop, and makes a cutover wait", async () => {
    for (const command of [moving("rehearsal"), goBack]) {
      const platforms = createPlatforms();
      platforms.double.faultOn = (operation) => (operation === "import" ? "killAfter" : undefined);
      expect(await run(platforms, moving("rehearsal"))).to.equal("killed");
      platforms.double.faultOn = () => undefined;
      const refused = await done(platforms, moving());
      expect([refused.code, refused.output]).to.match(/^2,.*rehearsal by tester.*move -- back staging/s);
      const { code, output } = await done(platforms, command);
      expect([code, mismatchesBefore(platforms)], output).to.deep.equal([0, []]);
    }
  });

  it("warns only if media change while they are copied", async () => {
    const platforms = createPlatforms();
    const failing = (error: Error) =>
      done(platforms, (session) =>
        moving("rehearsal")({ ...session, copyMedia: () => Promise.reject(error) }),
      );
    const refused = await failing(new UserError("S3 refuses the bucket"));
    expect([refused.code, refused.output]).to.match(/^6,.*S3 refuses the bucket/s);
    const { code, output } = await failing(new ChangedWhileCopied("1 objects were changed"));
    expect([code, output]).to.match(/^0,.*warning: 1 objects were changed/s);
  });

  it("changes nothing of the existing side, whatever fails @proof", async () => {
    for (const kind of FAULT_KINDS) {
      const platforms = createPlatforms();
      platforms.double.faultOn = (operation, before) =>
        operation === "RestoreDBInstanceFromDBSnapshot" && before === 0 ? kind : undefined;
      await run(platforms, moving("rehearsal"));
      expect(platforms.iaso.isAsBefore, kind).to.equal(true);
    }
  });
});
