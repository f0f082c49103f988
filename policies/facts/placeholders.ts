/** Stands for a secret value in preview documents. */
export const SECRET = "[secret]";

/** Stands in preview documents for a value that is unknown until a resource is created. */
export const UNKNOWN = "[unknown]";
