//! Runs a future on the spot, for handlers that are `async`.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls the future until it is ready.
///
/// An instance has one thread and serves one event, so nothing else could wake the future than what it does when it is
/// polled. One that waits for a thread or a socket waits until the attempt's deadline: functions have neither.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_that_is_not_ready_at_once_is_polled_again() {
        let mut polls = 0;
        let future = std::future::poll_fn(|_| {
            polls += 1;
            if polls == 3 { Poll::Ready(polls) } else { Poll::Pending }
        });
        assert_eq!(block_on(future), 3);
    }
}
