/** The command with which Pulumi deletes a GDAL image: the only one that it runs because the state says so. */
export const DELETE_IMAGE = "npm run --silent ami -- delete --from-build-output --keep-if-used";

/** The variables of the commands that build and delete the image. */
export const IMAGE_VARIABLES = ["AWS_REGION", "DRIVERS", "IASO_ENV", "PLATFORM"] as const;
