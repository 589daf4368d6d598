//! A GitHub App: its key, and the short-lived word it gives for itself, a JSON Web Token signed with RS256.
//!
//! Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>.

use crate::backend::{BackendError, BackendErrorKind};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustls::{
    SignatureScheme,
    crypto::CryptoProvider,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    sign::SigningKey,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{fmt, sync::Arc, time::SystemTime};

/// A token is dated back so far: GitHub's clock may be behind.
const BACK: u64 = 60;
/// And lives so long from now; GitHub takes no more than ten minutes.
const LIFE: u64 = 540;

/// An App's private key, as GitHub gives it out: RSA, in PEM, as PKCS#1 or PKCS#8.
#[derive(Clone)]
pub struct AppKey(Arc<dyn SigningKey>);

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppKey")
    }
}

impl AppKey {
    /// Reads a key. Line breaks may be real, or written `\n` as in an environment variable.
    ///
    /// It signs by the TLS provider of the process, the one that [`crate::Http`] needs as well.
    ///
    /// # Errors
    /// `Invalid` where it is no PEM file, or holds another thing than an RSA private key; `Unsupported` where no TLS
    /// provider is installed.
    pub fn from_pem(pem: &SecretString) -> Result<Self, BackendError> {
        let act = "read the App's private key";
        let fail = |kind, why: &str| Err(BackendError::new(kind, act).because(why));
        let text = pem.expose_secret().replace("\\n", "\n");
        // What a parser says of a key could quote it: its own words stay here.
        let Ok(der) = PrivateKeyDer::from_pem_slice(text.as_bytes()) else {
            let why = if text.contains("ENCRYPTED PRIVATE KEY") {
                "it is encrypted: want it as GitHub gives it out"
            } else if text.contains("PUBLIC KEY") || text.contains("CERTIFICATE") {
                "it is a public key, not the private one"
            } else {
                "want a PEM file, from -----BEGIN RSA PRIVATE KEY----- on"
            };
            return fail(BackendErrorKind::Invalid, why);
        };
        let Some(provider) = CryptoProvider::get_default() else {
            return fail(BackendErrorKind::Unsupported, "the process has no TLS provider (rustls) installed");
        };
        match provider.key_provider.load_private_key(der) {
            Ok(key) if key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).is_some() => Ok(Self(key)),
            Ok(_) => fail(BackendErrorKind::Invalid, "it is no RSA key, and those of GitHub Apps are"),
            Err(_) => fail(BackendErrorKind::Invalid, "it is damaged, or no RSA key of 2048 bits or more"),
        }
    }

    /// What proves to GitHub that it is the App itself that asks, for the next minutes.
    pub(super) fn token(&self, app: &str, now: SystemTime) -> Result<SecretString, BackendError> {
        let fail = || BackendError::new(BackendErrorKind::Invalid, "sign in as the App");
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_err(|error| fail().with_source(error))?;
        let (from, to) = (now.as_secs().saturating_sub(BACK), now.as_secs() + LIFE);
        let header = serde_json::json!({ "alg": "RS256", "typ": "JWT" });
        let claims = serde_json::json!({ "iat": from, "exp": to, "iss": app });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let signer = self.0.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or_else(fail)?;
        let signature = signer.sign(text.as_bytes()).map_err(|error| fail().with_source(error))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}
