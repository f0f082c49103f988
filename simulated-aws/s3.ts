import { knownBy, nameOr, ResourceTypes, text } from "./model";

export const resourceTypes: ResourceTypes = {
  "aws:s3/bucket:Bucket": (creation) => {
    const id = nameOr(creation, "bucket");
    return {
      id,
      outputs: {
        bucket: id,
        arn: `arn:aws:s3:::${id}`,
        bucketDomainName: `${id}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${id}.s3.${creation.region}.amazonaws.com`,
        region: creation.region,
      },
    };
  },
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": knownBy("bucket"),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": knownBy("bucket"),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": knownBy("bucket"),
  "aws:s3/bucketVersioning:BucketVersioning": knownBy("bucket"),
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": knownBy("bucket"),
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": knownBy("bucket"),
  "aws:s3/bucketPolicy:BucketPolicy": knownBy("bucket"),
  "aws:s3/bucketObjectv2:BucketObjectv2": ({ inputs }) => {
    const bucket = text(inputs, "bucket");
    const key = text(inputs, "key");
    return { id: `${bucket}/${key}`, outputs: { arn: `arn:aws:s3:::${bucket}/${key}` } };
  },
};
