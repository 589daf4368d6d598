//! `pinlib verify-image`.

use super::{Progress, choose::Chooser, connect::ConnectArgs, evidence::EvidenceArgs, request::missing};
use crate::{
    backends::{self, Weighing},
    ci,
    config::{self, Found},
    exit::Ending,
    failure::Failure,
    output::{Screen, of_library, v1},
    surroundings::Surroundings,
};
use pinlib::{DigestSource, ImagePin, Oid, Reference};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n\
    \x20 pinlib verify-image ghcr.io/acme/web:v1 --source-commit \"$SHA\" --evidence provenance")]
pub(crate) struct VerifyImage {
    #[arg(value_name = "IMAGE", help = "The image, as REPOSITORY[:TAG][@DIGEST]")]
    image: Reference,
    /// The commit that it must have been built from
    #[arg(long, value_name = "OID")]
    source_commit: Option<Oid>,
    #[command(flatten)]
    evidence: EvidenceArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl VerifyImage {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let Found { path, config } = config::find(self.connect.config(), around)?;
        let build = ci::build(around);
        let mut chooser = Chooser::new(around, path.as_deref());
        let source =
            chooser.choose("source-commit", self.source_commit, None, build.source_commit.clone())?;
        let wanted = self.evidence.settle(&mut chooser, &config, &build, around)?;
        let connect = self.connect.settle(&mut chooser, &config, around)?;
        for choice in &chooser.choices {
            screen.choice(choice.what, &choice.value, &choice.from);
        }
        let source = source
            .ok_or_else(|| missing("the source commit, which the image was built from,", "source-commit"))?;
        if wanted.is_none() {
            return Err(Failure::usage("no evidence is asked for").with_hint(
                "give --evidence label, provenance or attestation, or write it into pinlib.yaml",
            ));
        }
        let image = &self.image;
        progress.body = v1::Body::VerifyImage(Box::new(of_library::to_verify(image, source)));
        let Weighing { registry, rule, meter } = backends::evidence(&connect, image, wanted, around)?;
        progress.meter = meter;
        let pin = ImagePin {
            image: image.clone(),
            digest: DigestSource::Tag,
            platform: connect.platform,
            targets: Vec::new(),
            was: None,
        };
        let found = screen.while_waiting(pinlib::verify(&*registry, &pin, source, &rule)).await?;
        progress.body = v1::Body::VerifyImage(Box::new(of_library::verified(&found, source)));
        Ok(Ending::Answered)
    }
}
