//! `pinlib resolve`.

use super::{Progress, choose::Chooser, connect::ConnectArgs};
use crate::{
    backends,
    config::{self, Found},
    exit::Ending,
    failure::Failure,
    output::{Screen, of_library, v1},
    surroundings::Surroundings,
};
use pinlib::{DigestSource, ImagePin, Reference};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  pinlib resolve ghcr.io/acme/web:1.4 docker.io/library/nginx:1.29")]
pub(crate) struct Resolve {
    #[arg(required = true, value_name = "IMAGE", help = "The images, as REPOSITORY[:TAG][@DIGEST]")]
    images: Vec<Reference>,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl Resolve {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let Found { path, config } = config::find(self.connect.config(), around)?;
        let mut chooser = Chooser::new(around, path.as_deref());
        let connect = self.connect.settle(&mut chooser, &config, around)?;
        for choice in &chooser.choices {
            screen.choice(choice.what, &choice.value, &choice.from);
        }
        let images: Vec<_> = self.images.iter().collect();
        let (registry, meter) = backends::registry(&connect, &images, around)?;
        progress.meter = meter;
        let mut answers = Vec::new();
        for image in images {
            let (image, platform) = (image.clone(), connect.platform.clone());
            let pin = ImagePin { image, digest: DigestSource::Tag, platform, targets: Vec::new(), was: None };
            let resolved = screen.while_waiting(pinlib::resolve(&*registry, &pin)).await?;
            answers.push(of_library::resolved(&resolved));
            progress.body = v1::Body::Resolve(v1::Resolve { images: answers.clone() });
        }
        Ok(Ending::Answered)
    }
}
