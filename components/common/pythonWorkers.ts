/**
 * The processes of Iaso on an instance of the Python platform, and the threads of each process. Each thread has a connection
 * to the database.
 *
 * @see https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-specific.html#command-options-python
 */
export const PYTHON_WORKERS = { NumProcesses: 2, NumThreads: 4 };
