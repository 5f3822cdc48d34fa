//! Whom to believe at the other end of an encrypted connection.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::{Error, ErrorKind, Result};

use super::config::SwiftTls;

/// How connections are encrypted. The provider of the cryptography is named here, since that of the
/// process is the embedder's to choose.
pub(super) fn client_config(tls: &SwiftTls) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| refused("TLS cannot be set up").with_source(error))?;
    let builder = match tls {
        SwiftTls::System => match Verifier::new(provider) {
            Ok(verifier) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier)),
            // Nobody is believed then, which is no matter where all goes by plain HTTP.
            Err(error) => {
                tracing::warn!(target: "store", %error, "no certificates of this system are known");
                builder.with_root_certificates(RootCertStore::empty())
            }
        },
        SwiftTls::CaFile(path) => builder.with_root_certificates(authorities(path)?),
        SwiftTls::Unverified => {
            tracing::warn!(
                target: "store",
                "the certificates of Swift's servers are not verified: whoever is on the way can \
                 read and change everything, passwords too"
            );
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
        }
    };
    Ok(builder.with_no_client_auth())
}

/// The certificates in the file.
fn authorities(path: &Path) -> Result<RootCertStore> {
    let unreadable = |error: rustls::pki_types::pem::Error| {
        let message = format!("the CA file `{}` cannot be read", path.display());
        refused_file(message).with_source(error)
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        roots
            .add(certificate.map_err(unreadable)?)
            .map_err(|error| {
                let message = format!("the CA file `{}` holds what is no CA", path.display());
                refused_file(message).with_source(error)
            })?;
    }
    if roots.is_empty() {
        let message = format!("the CA file `{}` holds no certificate", path.display());
        return Err(refused_file(message));
    }
    Ok(roots)
}

fn refused(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Configuration, "open store").with_message(message)
}

fn refused_file(message: String) -> Error {
    refused(message).with_name("os_cacert")
}

/// Believes every certificate, though not that a message was signed by one when it was not.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
