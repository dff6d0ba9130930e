//! What every operation table and every input type has in common.

/// Ties an input type to its operation and to the output it is answered with.
pub trait Request: Sized {
    /// The operation enum of the service.
    type Operation: Copy + 'static;
    /// What a success answers: `Serialize` where answers are JSON, `WriteXml` where they are XML.
    type Response;
    /// The operation that takes this input.
    const OPERATION: Self::Operation;
}

/// How an operation pages, from the model's paginators. Members are the wire's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pagination {
    /// Input member that carries the token.
    pub input_token: &'static str,
    /// Output member that carries the token of the next page.
    pub output_token: &'static str,
    /// Input member that bounds the page.
    pub limit_key: Option<&'static str>,
    /// Output members that hold the items.
    pub result_keys: &'static [&'static str],
}
