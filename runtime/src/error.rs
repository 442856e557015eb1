/// Why an attempt could not be run, or its end not be told. Never the function's fault, except for what is refused
/// before it starts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The attempt asks for what it may not. The caller's to mend.
    #[error(transparent)]
    Invalid(#[from] hks_protocol::Error),
    /// The component asks for what is not granted, or does not export what is called. The caller's to mend.
    #[error("component refused: {0}")]
    Refused(String),
    /// Every place for an instance stayed taken for as long as the attempt may run. Try again later.
    #[error("all {places} places for running functions stayed taken for {waited_ms} ms")]
    Overloaded {
        /// Places that there are.
        places: usize,
        /// How long the attempt waited.
        waited_ms: u128,
    },
    /// Nobody waits for it any more.
    #[error("the execution was canceled")]
    Canceled,
    /// An instance cannot become a snapshot.
    #[error("no snapshot can be taken of the function: {0}")]
    Unstorable(String),
    /// The host failed.
    #[error("host: {0}")]
    Host(String),
}
