//! What the handler's signature may be, and what is said about all others.

use syn::spanned::Spanned;
use syn::{Error, FnArg, Ident, ItemFn, Result, ReturnType, Type};

const SHAPES: &str = "a handler is `fn handler(event: T, ctx: Context) -> Result<U, E>`, or that without `ctx`";

/// What is needed of a handler in order to call it.
pub(crate) struct Signature<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) is_async: bool,
    /// The type of the event, if it takes one.
    pub(crate) event: Option<&'a Type>,
    pub(crate) context: Option<Passed>,
    pub(crate) returned: &'a ReturnType,
}

/// How the context is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    ByValue,
    ByReference,
}

impl<'a> Signature<'a> {
    pub(crate) fn read(function: &'a ItemFn) -> Result<Self> {
        let signature = &function.sig;
        refuse(&signature.generics.params, "a handler has no generic parameters: nobody could choose them")?;
        refuse(&signature.constness, "a handler cannot be `const`: it is called when there is an event")?;
        refuse(&signature.abi, "a handler has no ABI of its own: `#[hks_sdk::handler]` exports it")?;
        refuse(&signature.variadic, SHAPES)?;
        let types = signature.inputs.iter().map(type_of).collect::<Result<Vec<_>>>()?;
        let (event, context) = match types[..] {
            [] => (None, None),
            [only] => match context(only) {
                Some(passed) => (None, Some(passed)),
                None => (Some(only), None),
            },
            [event, second] if context(event).is_none() => match context(second) {
                Some(passed) => (Some(event), Some(passed)),
                None => return Err(Error::new(second.span(), "the second parameter is `hks_sdk::Context`")),
            },
            [context, _] => return Err(Error::new(context.span(), "the event comes first, the context second")),
            [_, _, third, ..] => return Err(Error::new(third.span(), SHAPES)),
        };
        if let Some(Type::Reference(reference)) = event {
            let message = "the event is passed by value: take `String` for `&str`, and `Vec<T>` for `&[T]`";
            return Err(Error::new(reference.span(), message));
        }
        let (name, is_async) = (&signature.ident, signature.asyncness.is_some());
        Ok(Self { name, is_async, event, context, returned: &signature.output })
    }
}

fn refuse<T: quote::ToTokens>(tokens: &T, message: &str) -> Result<()> {
    let tokens = tokens.to_token_stream();
    if tokens.is_empty() { Ok(()) } else { Err(Error::new_spanned(tokens, message)) }
}

fn type_of(parameter: &FnArg) -> Result<&Type> {
    match parameter {
        FnArg::Typed(typed) => Ok(&typed.ty),
        FnArg::Receiver(receiver) => Err(Error::new(receiver.span(), "a handler is a function, not a method")),
    }
}

/// Whether the type is the context. A macro sees names only, so a type of the user's may not be called so.
fn context(of: &Type) -> Option<Passed> {
    match of {
        Type::Reference(reference) if reference.mutability.is_none() => {
            context(&reference.elem).map(|_| Passed::ByReference)
        }
        Type::Path(path) => path.path.segments.last().filter(|last| last.ident == "Context").map(|_| Passed::ByValue),
        _ => None,
    }
}
