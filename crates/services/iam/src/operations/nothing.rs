//! What cannot be made here, and of which there is therefore none: deploy tools and consoles ask for it.

use super::caller::{Subject, subject};
use super::family::{operation, read};
use crate::records;
use crate::users::User;

/// A list of what belongs to a user, who must exist.
macro_rules! none_of_user {
    ($name:ident, $list:ident as $wire:literal) => {
        operation! {
            /// Always empty.
            $name { user_name: Option<String> } => { $list as $wire: Vec<String>, is_truncated: bool } |cx, input| {
                if let Subject::User(name) = subject(cx, input.user_name)? {
                    read(cx, move |tx, account| records::get::<User>(tx, account, &name)).await?;
                }
                Ok(Output { $list: Vec::new(), is_truncated: false })
            }
        }
    };
}

/// A list of what belongs to the account.
macro_rules! none {
    ($name:ident, $list:ident as $wire:literal) => {
        operation! {
            /// Always empty.
            $name {} => { $list as $wire: Vec<String>, is_truncated: bool } |cx, input| {
                Ok(Output { $list: Vec::new(), is_truncated: false })
            }
        }
    };
}

none_of_user!(ListMFADevices, devices as "MFADevices");
none_of_user!(ListSigningCertificates, certificates as "Certificates");
none_of_user!(ListSSHPublicKeys, keys as "SSHPublicKeys");
none_of_user!(ListServiceSpecificCredentials, credentials as "ServiceSpecificCredentials");
none!(ListVirtualMFADevices, devices as "VirtualMFADevices");
none!(ListServerCertificates, certificates as "ServerCertificateMetadataList");

operation! {
    /// Always empty.
    ListOpenIDConnectProviders {} => { providers as "OpenIDConnectProviderList": Vec<String> } |cx, input| {
        Ok(Output { providers: Vec::new() })
    }
}

operation! {
    /// Always empty.
    ListSAMLProviders {} => { providers as "SAMLProviderList": Vec<String> } |cx, input| {
        Ok(Output { providers: Vec::new() })
    }
}
