//! A call while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::{CallOutcome, Error, FaultScript, FileContents, FileName, Operation, Result};

use super::fault::{Fault, Moment, scripted};

/// One call, its number in the log, and the faults that it meets.
#[derive(Clone, Debug)]
pub(super) struct RunningCall(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    script: FaultScript,
    number: usize,
    operation: Operation,
    name: Option<FileName>,
    faults: Vec<(Moment, Fault)>,
    is_torn: AtomicBool,
}

impl RunningCall {
    pub(super) fn new(
        script: FaultScript,
        number: usize,
        operation: Operation,
        name: Option<FileName>,
        faults: Vec<(Moment, Fault)>,
    ) -> Self {
        Self(Arc::new(Inner {
            script,
            number,
            operation,
            name,
            faults,
            is_torn: AtomicBool::new(false),
        }))
    }

    /// Suffers the faults of this moment.
    pub(super) async fn reach(&self, moment: Moment) -> Result<()> {
        for (at, fault) in &self.0.faults {
            if *at == moment {
                self.suffer(fault).await?;
            }
        }
        Ok(())
    }

    /// Notes how the call ended.
    pub(super) fn end<T>(&self, result: &Result<T>) {
        let outcome = match result {
            Ok(_) => CallOutcome::Done,
            Err(error) => CallOutcome::Failed(error.kind()),
        };
        self.log(|call| call.outcome = outcome);
    }

    /// The contents as the log sees them go by, with the faults that lie in them.
    pub(super) fn tear(&self, contents: FileContents) -> FileContents {
        let size = contents.size();
        let mut places: Vec<(u64, Fault)> = self
            .0
            .faults
            .iter()
            .filter_map(|(moment, fault)| match moment {
                Moment::AtByte(place) => Some((*place, fault.clone())),
                Moment::Before | Moment::AfterEffect => None,
            })
            .collect();
        // The next one is taken from the end; those of one place stay in their order.
        places.sort_by_key(|(place, _)| *place);
        places.reverse();
        let torn = Torn {
            call: self.clone(),
            stream: contents.into_stream(),
            rest: Bytes::new(),
            passed: 0,
            places,
        };
        let pieces = stream::try_unfold(torn, |mut torn| async {
            let piece = torn.next().await?;
            Ok(piece.map(|piece| (piece, torn)))
        });
        FileContents::from_stream(pieces.boxed(), size)
    }

    /// What the caller of a save gets, where the store failed with `error`.
    pub(super) fn torn_error(&self, error: Error) -> Error {
        if !self.0.is_torn.load(Ordering::Relaxed) {
            return error;
        }
        let torn = self.0.faults.iter().find_map(|fault| match fault {
            (Moment::AtByte(_), Fault::Error { kind, retry_after }) => Some((*kind, *retry_after)),
            _ => None,
        });
        match torn {
            Some((kind, retry_after)) => {
                let name = self.0.name.as_ref();
                scripted(kind, retry_after, self.0.operation, name).with_source(error)
            }
            None => error,
        }
    }

    async fn suffer(&self, fault: &Fault) -> Result<()> {
        match fault {
            Fault::Error { kind, retry_after } => {
                let name = self.0.name.as_ref();
                Err(scripted(*kind, *retry_after, self.0.operation, name))
            }
            Fault::Delay(delay) => {
                tokio::time::sleep(*delay).await;
                Ok(())
            }
            Fault::Hang => {
                self.0.script.note_hang();
                std::future::pending().await
            }
        }
    }

    fn log(&self, change: impl FnOnce(&mut crate::LoggedCall)) {
        if let Some(call) = self.0.script.state().calls.get_mut(self.0.number) {
            change(call);
        }
    }
}

/// Contents with faults at some places.
struct Torn {
    call: RunningCall,
    stream: BoxStream<'static, Result<Bytes>>,
    /// What is left of the piece that came last.
    rest: Bytes,
    passed: u64,
    /// The places of the faults that are still to come, the first one last.
    places: Vec<(u64, Fault)>,
}

impl Torn {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        while self
            .places
            .last()
            .is_some_and(|(place, _)| *place <= self.passed)
        {
            self.tear().await?;
        }
        if self.rest.is_empty() {
            match self.stream.next().await {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => {
                    self.call
                        .log(|call| call.outcome = CallOutcome::Failed(error.kind()));
                    return Err(error);
                }
                None => {
                    while !self.places.is_empty() {
                        self.tear().await?;
                    }
                    return Ok(None);
                }
            }
        }
        let until_fault = self
            .places
            .last()
            .map_or(u64::MAX, |(place, _)| place - self.passed);
        let length = usize::try_from(until_fault)
            .unwrap_or(usize::MAX)
            .min(self.rest.len());
        let piece = self.rest.split_to(length);
        self.passed += piece.len() as u64;
        self.call.log(|call| call.bytes = self.passed);
        Ok(Some(piece))
    }

    /// Suffers the next fault.
    async fn tear(&mut self) -> Result<()> {
        let Some((_, fault)) = self.places.pop() else {
            return Ok(());
        };
        let result = self.call.suffer(&fault).await;
        if let Err(error) = &result {
            self.call.0.is_torn.store(true, Ordering::Relaxed);
            self.call
                .log(|call| call.outcome = CallOutcome::Failed(error.kind()));
        }
        result
    }
}
