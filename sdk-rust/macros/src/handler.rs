//! What stands in a function's crate besides its handler.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, GenericArgument, ItemFn, PathArguments, Result, ReturnType, Type, parse2};

use crate::signature::{Passed, Signature};

/// The function as it is, and what exports it; or the function and an error, so that the rest of it is still checked.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match exported(arguments, item.clone()) {
        Ok(exported) => quote! { #item #exported },
        Err(error) => {
            let error = error.to_compile_error();
            quote! { #item #error }
        }
    }
}

fn exported(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "`#[hks_sdk::handler]` takes no arguments"));
    }
    let function: ItemFn = parse2(item.clone())
        .map_err(|_| Error::new_spanned(item, "`#[hks_sdk::handler]` stands on the function that is called"))?;
    let signature = Signature::read(&function)?;
    let checks = checks(&signature);
    let event = match signature.event {
        Some(event) => quote! { #event },
        None => quote! { ::hks_sdk::__private::Ignored },
    };
    let call = call(&signature);
    // Only where it is compiled for is it exported, so that `cargo test` works on the developer's own machine.
    Ok(quote! {
        const _: () = {
            #checks

            #[allow(dead_code)]
            fn handle(
                event: ::std::string::String,
                context: ::std::string::String,
            ) -> ::std::result::Result<::std::string::String, ::hks_sdk::__private::Failure> {
                ::hks_sdk::__private::call(&event, &context, |event: #event, context: ::hks_sdk::Context| {
                    #[allow(unused_imports)]
                    use ::hks_sdk::__private::returned::{
                        OfDisplay as _, OfDynamic as _, OfError as _, OfShared as _, OfValue as _,
                    };
                    let returned = ::hks_sdk::__private::returned::Returned(#call);
                    (&&&&&returned).finish()
                })
            }

            #[cfg(target_arch = "wasm32")]
            struct Function;
            #[cfg(target_arch = "wasm32")]
            impl ::hks_sdk::__private::Guest for Function {
                fn handle(
                    event: ::std::string::String,
                    context: ::std::string::String,
                ) -> ::std::result::Result<::std::string::String, ::hks_sdk::__private::Failure> {
                    handle(event, context)
                }
            }
            #[cfg(target_arch = "wasm32")]
            ::hks_sdk::__private::bindings::export!(Function with_types_in ::hks_sdk::__private::bindings);
        };
    })
}

fn call(signature: &Signature<'_>) -> TokenStream {
    let name = signature.name;
    let event = signature.event.map(|_| quote! { event, });
    let context = signature.context.map(|passed| match passed {
        Passed::ByValue => quote! { context },
        Passed::ByReference => quote! { &context },
    });
    let call = quote! { #name(#event #context) };
    if signature.is_async {
        quote! { ::hks_sdk::__private::block_on(#call) }
    } else {
        call
    }
}

/// Lets the compiler complain about a type where the user wrote it, in words of serde.
fn checks(signature: &Signature<'_>) -> TokenStream {
    let event = signature.event.map(|event| {
        quote_spanned! { event.span() => ::hks_sdk::__private::is_event::<#event>(); }
    });
    let value = match signature.returned {
        ReturnType::Type(_, returned) => value_of(returned),
        ReturnType::Default => None,
    };
    let value = value.map(|value| quote_spanned! { value.span() => ::hks_sdk::__private::is_value::<#value>(); });
    quote! {
        #[allow(dead_code)]
        fn check() {
            #event
            #value
        }
    }
}

/// `U` of what is written as `Result<U, …>`. Of other types it is not known which they are.
fn value_of(returned: &Type) -> Option<&Type> {
    let Type::Path(path) = returned else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(value) => Some(value),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: TokenStream, item: TokenStream) -> String {
        expand(arguments, item).to_string()
    }

    #[track_caller]
    fn refused(item: TokenStream, expected: &str) {
        let text = expanded(TokenStream::new(), item);
        assert!(text.contains("compile_error !") && text.contains(expected), "{text}");
    }

    #[track_caller]
    fn calls(item: TokenStream, expected: &str) {
        let text = expanded(TokenStream::new(), item);
        assert!(!text.contains("compile_error !"), "{text}");
        assert!(text.contains(&format!("Returned ({expected})")), "{text}");
    }

    #[test]
    fn every_shape_is_called_with_what_it_takes() {
        calls(quote! { fn handler() {} }, "handler ()");
        calls(quote! { fn run(event: Order) -> u8 { 1 } }, "run (event ,)");
        calls(quote! { fn handler(context: Context) {} }, "handler (context)");
        calls(quote! { fn handler(_: Order, _: hks_sdk::Context) {} }, "handler (event , context)");
        calls(quote! { fn handler(_: Order, ctx: &Context) {} }, "handler (event , & context)");
        calls(quote! { async fn handler(_: Order) {} }, ":: hks_sdk :: __private :: block_on (handler (event ,))");
    }

    #[test]
    fn types_are_checked_where_they_are_written() {
        let item = quote! { fn handler(event: Order) -> Result<Receipt, Error> { todo!() } };
        let text = expanded(TokenStream::new(), item);
        assert!(text.contains("is_event :: < Order >") && text.contains("is_value :: < Receipt >"), "{text}");
        let alias = expanded(TokenStream::new(), quote! { fn handler() -> Answer { todo!() } });
        assert!(!alias.contains("is_value"), "{alias}");
    }

    #[test]
    fn what_cannot_be_called_is_explained() {
        refused(quote! { struct Handler; }, "stands on the function");
        refused(quote! { fn handler<T>(event: T) {} }, "no generic parameters");
        refused(quote! { fn handler(&self) {} }, "not a method");
        refused(quote! { fn handler(a: A, b: B) {} }, "the second parameter is `hks_sdk::Context`");
        refused(quote! { fn handler(ctx: Context, event: Order) {} }, "the event comes first");
        refused(quote! { fn handler(a: A, c: Context, d: D) {} }, "a handler is `fn handler(event: T");
        refused(quote! { fn handler(event: &str) {} }, "take `String` for `&str`");
        refused(quote! { const fn handler() {} }, "cannot be `const`");
        refused(quote! { extern "C" fn handler() {} }, "no ABI of its own");
    }

    #[test]
    fn arguments_are_refused_and_the_function_stays() {
        let text = expanded(quote! { name = "x" }, quote! { fn handler() {} });
        assert!(text.contains("takes no arguments") && text.contains("fn handler ()"), "{text}");
    }
}
