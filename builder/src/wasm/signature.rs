//! Types of functions as WIT, for messages and to compare them.

use std::sync::OnceLock;

use wit_parser::{Function, Handle, InterfaceId, Resolve, Type, TypeDefKind, WorldId};

/// Our own WIT.
pub(super) struct Ours {
    pub(super) resolve: Resolve,
    /// The world `function`.
    pub(super) function: WorldId,
}

impl Ours {
    /// An interface by its name without package, as in `handler`.
    pub(super) fn interface(&self, name: &str) -> Option<InterfaceId> {
        self.resolve.interfaces.iter().find(|(_, interface)| interface.name.as_deref() == Some(name)).map(|(id, _)| id)
    }
}

pub(super) fn ours() -> &'static Ours {
    static OURS: OnceLock<Ours> = OnceLock::new();
    OURS.get_or_init(|| {
        let mut resolve = Resolve::default();
        let text = include_str!("../../../wit/function.wit");
        let package = resolve.push_str("function.wit", text).expect("our own WIT is valid");
        let function = resolve.select_world(&[package], Some("function")).expect("our WIT has that world");
        Ours { resolve, function }
    })
}

/// Why `found` is not `expected`; `None` if it is. Names of parameters do not count.
pub(super) fn difference(expected: (&Resolve, &Function), found: (&Resolve, &Function)) -> Option<String> {
    let full = |(resolve, function)| Printer::new(resolve, Style::Full).function(function);
    if full(expected) == full(found) {
        return None;
    }
    let short = |(resolve, function)| Printer::new(resolve, Style::Short).function(function);
    let named = |style| move |(resolve, function)| Printer::new(resolve, style).named().function(function);
    // Where only what is behind a name differs, the name says nothing.
    let shown = if short(expected) == short(found) { Style::Full } else { Style::Short };
    Some(differs(&expected.1.name, &named(shown)(expected), &named(shown)(found)))
}

pub(super) fn differs(function: &str, expected: &str, found: &str) -> String {
    format!("{function}: expected {expected}, found {found}")
}

/// As in `func(event: string) -> result<string, failure>`.
pub(super) fn short(resolve: &Resolve, function: &Function) -> String {
    Printer::new(resolve, Style::Short).named().function(function)
}

/// As in `func(string) -> result<string, failure>`.
pub(super) fn unnamed(resolve: &Resolve, function: &Function) -> String {
    Printer::new(resolve, Style::Short).function(function)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Types that have a name by that.
    Short,
    /// All types in full, but resources.
    Full,
}

struct Printer<'a> {
    resolve: &'a Resolve,
    style: Style,
    with_names: bool,
    text: String,
}

impl<'a> Printer<'a> {
    /// Types may unfold without bound. Ours are shorter than this, so what is cut is another type.
    const BYTES_MAX: usize = 600;

    fn new(resolve: &'a Resolve, style: Style) -> Self {
        Self { resolve, style, with_names: false, text: String::new() }
    }

    fn named(mut self) -> Self {
        self.with_names = true;
        self
    }

    fn function(mut self, function: &Function) -> String {
        self.push(if function.kind.is_async() { "async func(" } else { "func(" });
        self.list(&function.params, |printer, param| {
            if printer.with_names {
                printer.push(&format!("{}: ", param.name));
            }
            printer.ty(&param.ty);
        });
        self.push(")");
        if let Some(result) = &function.result {
            self.push(" -> ");
            self.ty(result);
        }
        self.text
    }

    fn push(&mut self, text: &str) {
        if self.is_full() {
            return;
        }
        self.text.push_str(text);
        if self.is_full() {
            self.text.push('…');
        }
    }

    fn is_full(&self) -> bool {
        self.text.len() > Self::BYTES_MAX
    }

    fn list<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if self.is_full() {
                return;
            }
            self.push(if index == 0 { "" } else { ", " });
            print(self, item);
        }
    }

    fn ty(&mut self, ty: &Type) {
        if self.is_full() {
            return;
        }
        let Type::Id(id) = ty else { return self.push(primitive(ty)) };
        let definition = &self.resolve.types[*id];
        match &definition.name {
            Some(name) if self.style == Style::Short || definition.kind == TypeDefKind::Resource => self.push(name),
            _ => self.kind(&definition.kind),
        }
    }

    fn kind(&mut self, kind: &TypeDefKind) {
        match kind {
            TypeDefKind::Record(record) => {
                self.push("record { ");
                self.list(&record.fields, |printer, field| printer.member(&field.name, Some(&field.ty), ": ", ""));
                self.push(" }");
            }
            TypeDefKind::Variant(variant) => {
                self.push("variant { ");
                self.list(&variant.cases, |printer, case| printer.member(&case.name, case.ty.as_ref(), "(", ")"));
                self.push(" }");
            }
            TypeDefKind::Enum(cases) => {
                self.push("enum { ");
                self.list(&cases.cases, |printer, case| printer.push(&case.name));
                self.push(" }");
            }
            TypeDefKind::Flags(flags) => {
                self.push("flags { ");
                self.list(&flags.flags, |printer, flag| printer.push(&flag.name));
                self.push(" }");
            }
            TypeDefKind::Tuple(tuple) => {
                self.push("tuple<");
                self.list(&tuple.types, Self::ty);
                self.push(">");
            }
            TypeDefKind::Result(result) => self.result(result.ok.as_ref(), result.err.as_ref()),
            TypeDefKind::Option(ty) => self.generic("option", ty),
            TypeDefKind::List(ty) => self.generic("list", ty),
            TypeDefKind::Handle(Handle::Own(id)) => self.ty(&Type::Id(*id)),
            TypeDefKind::Handle(Handle::Borrow(id)) => self.generic("borrow", &Type::Id(*id)),
            TypeDefKind::Type(ty) => self.ty(ty),
            other => self.push(other.as_str()),
        }
    }

    fn member(&mut self, name: &str, ty: Option<&Type>, before: &str, after: &str) {
        self.push(name);
        if let Some(ty) = ty {
            self.push(before);
            self.ty(ty);
            self.push(after);
        }
    }

    fn generic(&mut self, name: &str, ty: &Type) {
        self.push(name);
        self.push("<");
        self.ty(ty);
        self.push(">");
    }

    fn result(&mut self, ok: Option<&Type>, err: Option<&Type>) {
        self.push("result");
        if ok.is_none() && err.is_none() {
            return;
        }
        self.push("<");
        match ok {
            Some(ty) => self.ty(ty),
            None => self.push("_"),
        }
        if let Some(ty) = err {
            self.push(", ");
            self.ty(ty);
        }
        self.push(">");
    }
}

fn primitive(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::ErrorContext => "error-context",
        Type::Id(_) => "type",
    }
}
