//! Makes a small copy of every picture that is put into a bucket, 200 pixels wide.

use std::env;
use std::io::{Cursor, Read};
use std::time::Duration;

use image::ImageReader;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use percent_encoding::percent_decode_str;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use serde_json::{Value, json};

const WIDTH: u32 = 200;
const QUALITY: u8 = 85;

/// A picture that is put here is an object of at most this size.
const PICTURE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How long a signed request works.
const SIGNED: Duration = Duration::from_secs(60);

/// What is made once for all calls of an environment.
struct Clients {
    http: ureq::Agent,
    credentials: Credentials,
    endpoint: String,
    region: String,
    target: String,
}

impl Clients {
    fn from_environment() -> Result<Self, Error> {
        let region = env::var("AWS_REGION")?;
        let endpoint = env::var("AWS_ENDPOINT_URL_S3").or_else(|_| env::var("AWS_ENDPOINT_URL"));
        Ok(Self {
            http: ureq::Agent::new_with_defaults(),
            credentials: Credentials::from_env().ok_or("the environment has no credentials")?,
            endpoint: endpoint.unwrap_or_else(|_| format!("https://s3.{region}.amazonaws.com")),
            target: env::var("TARGET_BUCKET")?,
            region,
        })
    }

    fn bucket(&self, name: &str) -> Result<Bucket, Error> {
        Ok(Bucket::new(self.endpoint.parse()?, UrlStyle::Path, name.to_owned(), self.region.clone())?)
    }

    fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, Error> {
        let link = self.bucket(bucket)?.get_object(Some(&self.credentials), key).sign(SIGNED);
        let answer = self.http.get(link.as_str()).call()?;
        let mut picture = Vec::new();
        answer.into_body().into_reader().take(PICTURE_BYTES_MAX).read_to_end(&mut picture)?;
        Ok(picture)
    }

    fn put(&self, key: &str, picture: &[u8]) -> Result<(), Error> {
        let link = self.bucket(&self.target)?.put_object(Some(&self.credentials), key).sign(SIGNED);
        self.http.put(link.as_str()).content_type("image/jpeg").send(picture)?;
        Ok(())
    }

    fn thumbnail(&self, record: &Value) -> Result<Value, Error> {
        let text = |at: &str| record.pointer(at).and_then(Value::as_str).ok_or("not an event of S3");
        let bucket = text("/s3/bucket/name")?;
        let key = text("/s3/object/key")?.replace('+', " ");
        let key = percent_decode_str(&key).decode_utf8()?;
        let reader = ImageReader::new(Cursor::new(self.get(bucket, &key)?)).with_guessed_format()?;
        let format = reader.format().ok_or("not a picture")?;
        let picture = reader.decode()?;
        println!("{bucket}/{key}: a {format:?} of {} x {} pixels", picture.width(), picture.height());
        let small = picture.resize(WIDTH, picture.height(), FilterType::Triangle);
        let mut jpeg = Vec::new();
        small.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, QUALITY))?;
        self.put(&key, &jpeg)?;
        Ok(json!({ "bucket": self.target, "key": key, "width": small.width(), "height": small.height() }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let clients = Clients::from_environment()?;
    run(service_fn(async |event: LambdaEvent<Value>| {
        let records = event.payload["Records"].as_array().ok_or("not an event of S3")?;
        // The runtime has nothing else to do meanwhile: one call at a time.
        records.iter().map(|record| clients.thumbnail(record)).collect::<Result<Vec<_>, Error>>()
    }))
    .await
}
