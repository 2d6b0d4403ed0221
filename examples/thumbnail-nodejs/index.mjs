// Makes a small copy of every picture that is put into a bucket, 200 pixels wide.
//
// The AWS SDK comes with the runtime; Jimp, which is JavaScript alone, is in the package.

import { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Jimp } from "jimp";

const WIDTH = 200;
const TARGET = process.env.TARGET_BUCKET;

// Made once for all calls of an environment, not once a call.
const s3 = new S3Client({});

export const handler = async (event) => {
  const made = [];
  for (const record of event.Records) {
    const bucket = record.s3.bucket.name;
    const key = decodeURIComponent(record.s3.object.key.replaceAll("+", " "));
    const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    const picture = await Jimp.read(Buffer.from(await object.Body.transformToByteArray()));
    console.log(`${bucket}/${key}: ${picture.mime} of ${picture.width} x ${picture.height} pixels`);
    picture.resize({ w: WIDTH });
    const small = await picture.getBuffer("image/jpeg", { quality: 85 });
    await s3.send(new PutObjectCommand({ Bucket: TARGET, Key: key, Body: small, ContentType: "image/jpeg" }));
    made.push({ bucket: TARGET, key, width: picture.width, height: picture.height });
  }
  return made;
};
