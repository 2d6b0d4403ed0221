//! `shape!`: typed inputs and outputs of operations, made from a [`Document`](crate::Document) and back; `operation!`: a
//! whole operation of a family.

/// Declares structures whose fields are members of a model's structure.
///
/// A field's wire name is its own in PascalCase (`function_name` is `FunctionName`); where AWS spells it
/// otherwise, the name follows the field: `kms_key_arn as "KMSKeyArn": Option<String>`. A required member has a
/// plain type, an optional one `Option<T>`. The model has checked presence before a structure is made.
///
/// A service whose members begin with small letters (`logGroupName`) says `camelCase;` before its structures.
#[macro_export]
macro_rules! shape {
    (camelCase; $($structures:tt)*) => { $crate::shape!(@declare camel $($structures)*); };
    (@declare $style:ident $(
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident $(as $wire:literal)? : $type:ty ),* $(,)?
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[allow(missing_docs, unreachable_pub)]
        $visibility struct $name { $( $(#[$field_meta])* pub $field: $type, )* }

        impl $crate::FromDocument for $name {
            fn from_document(document: $crate::Document) -> Result<Self, $crate::ShapeError> {
                #[allow(unused_mut, unused_variables)]
                let mut members = $crate::document::Members::of(document)?;
                Ok(Self { $( $field: members.take($crate::shape!(@wire $style $field $($wire)?))?, )* })
            }
        }

        impl $crate::IntoDocument for $name {
            fn into_document(self) -> $crate::Document {
                $crate::Document::Structure(vec![
                    $( ($crate::shape!(@wire $style $field $($wire)?), $crate::IntoDocument::into_document(self.$field)), )*
                ])
            }
        }
    )*};
    (@wire $style:ident $field:ident $wire:literal) => { $wire };
    (@wire $style:ident $field:ident) => {{
        static WIRE: $crate::document::PascalCase = $crate::document::PascalCase::$style(stringify!($field));
        WIRE.as_str()
    }};
    ($($structures:tt)*) => { $crate::shape!(@declare new $($structures)*); };
}

/// Declares an operation of a family, many of which differ only in what they are about: the members of its input and
/// its output, and what it does. First the service's state, then what [`shape!`](crate::shape) takes before its structs.
#[macro_export]
macro_rules! operation {
    (
        $state:ty, [$($case:tt)*],
        $(#[$doc:meta])* $name:ident { $($input:tt)* } => { $($output:tt)* } |$cx:ident, $given:ident| $body:block
    ) => {
        $(#[$doc])*
        pub(crate) struct $name;

        const _: () = {
            $crate::shape! {
                $($case)*
                pub struct Input { $($input)* }
                pub struct Output { $($output)* }
            }

            impl $crate::Operation for $name {
                const NAME: &'static str = stringify!($name);
                type State = $state;
                type Input = Input;
                type Output = Output;

                #[allow(unused_variables)]
                async fn call($cx: &$crate::Cx<$state>, $given: Input) -> Result<Output, $crate::ApiError> {
                    $body
                }
            }
        };
    };
}
