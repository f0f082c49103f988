/**
 * The Python of the servers, which runs the application: `/usr/bin/python3.9`, Amazon Linux 2023's system Python, on
 * every branch of the platform.
 *
 * @see https://docs.aws.amazon.com/linux/al2023/ug/python.html
 */
export const PYTHON = "3.9";

/** A patch release of `PYTHON`, for environment markers that compare one. */
export const PYTHON_FULL = "3.9.25";

/** The minor version of Amazon Linux 2023's glibc 2.34. A wheel for a newer one does not run there. */
const GLIBC_MINOR = 34;

/** uv's name of the servers' platform. */
export const PYTHON_PLATFORM = `x86_64-manylinux_2_${GLIBC_MINOR}`;

/** The platform tags of wheels that run on the servers, the best first (PEP 600). */
export const WHEEL_PLATFORMS: readonly string[] = Array.from(
  { length: GLIBC_MINOR - 4 },
  (_, index) => `manylinux_2_${GLIBC_MINOR - index}_x86_64`,
);
