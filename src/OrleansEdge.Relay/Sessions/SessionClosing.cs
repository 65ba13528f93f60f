using OrleansEdge.Model;
using OrleansEdge.Relay.Framing;

namespace OrleansEdge.Relay.Sessions;

/// <summary>Closes both sides of a session once its cause stands: every side that is still writable gets exactly one Close, at a
/// frame boundary. The pumps run on meanwhile; they read the answers and discard the rest.</summary>
internal sealed class SessionClosing(RelaySession session, TimeProvider time)
{
    /// <summary>Longest wait for a frame boundary, for the answer to the edge's Close, and then for the peer's end.</summary>
    public static readonly TimeSpan StepLimit = TimeSpan.FromSeconds(2);

    /// <summary>Longest wait for the answer to a Close that was relayed.</summary>
    public static readonly TimeSpan RelayedCloseLimit = TimeSpan.FromSeconds(10);

    private readonly SessionSide _client = session.Client;
    private readonly SessionSide _origin = session.Origin;

    public Task RunAsync(EndCause cause)
    {
        var rule = SessionEndRule.Of(cause);
        return cause switch
        {
            EndCause.ClientClose => FinishRelayedAsync(closer: _client, answerer: _origin),
            EndCause.OriginClose => FinishRelayedAsync(closer: _origin, answerer: _client),
            EndCause.EdgeDraining or EndCause.SessionLifetime => OriginFirstAsync(rule),
            EndCause.ClientPingTimeout => Task.WhenAll(CloseAndCutAsync(_client, rule.ToClient!.Value), CloseAsync(_origin, rule.ToOrigin)),
            EndCause.OriginPingTimeout => Task.WhenAll(CloseAsync(_client, ToClient(rule)), CloseAndCutAsync(_origin, rule.ToOrigin!.Value)),
            _ => Task.WhenAll(CloseAsync(_client, ToClient(rule)), CloseAsync(_origin, rule.ToOrigin)),
        };
    }

    private CloseFrame? ToClient(SessionEndRule rule)
        => rule.ToClient is { Code: 1014 } lost ? lost with { Code = session.OriginLostCode } : rule.ToClient;

    // What the origin still sends reaches the client, so that nothing that the origin acknowledged is lost.
    private async Task OriginFirstAsync(SessionEndRule rule)
    {
        var originTold = await _origin.Sender.CloseAsync(rule.ToOrigin!.Value, StepLimit, time);
        if (originTold)
        {
            await WaitAsync(_origin.Closed | _origin.Gone, StepLimit);
        }

        await Task.WhenAll(CloseAsync(_client, ToClient(rule)), originTold ? FinishAsync(_origin, answerLimit: TimeSpan.Zero) : CutAsync(_origin));
    }

    private async Task FinishRelayedAsync(SessionSide closer, SessionSide answerer)
    {
        await WaitAsync(answerer.Closed | answerer.Gone, RelayedCloseLimit);
        await Task.WhenAll(AnswerAsync(closer, answerer), FinishAsync(answerer, answerLimit: TimeSpan.Zero));
    }

    // The closer's own Close is answered by the edge where the other peer did not.
    private async Task AnswerAsync(SessionSide closer, SessionSide answerer)
    {
        var echo = new CloseFrame(answerer.Sender.CloseCode is 0 ? ControlFrames.NoCode : answerer.Sender.CloseCode, "");
        if (await closer.Sender.CloseAsync(echo, StepLimit, time))
        {
            await FinishAsync(closer, answerLimit: TimeSpan.Zero);
        }
        else
        {
            closer.Leg.Abort();
        }
    }

    private async Task CloseAsync(SessionSide side, CloseFrame? close)
    {
        if (close is null)
        {
            side.Leg.Dispose();
        }
        else if (await side.Sender.CloseAsync(close.Value, StepLimit, time))
        {
            await FinishAsync(side, StepLimit);
        }
        else
        {
            side.Leg.Abort();
        }
    }

    private async Task CloseAndCutAsync(SessionSide side, CloseFrame close)
    {
        // Under HTTP/2 a reset overtakes what the server has not framed yet, so the Close is let out first.
        if (await side.Sender.CloseAsync(close, StepLimit, time))
        {
            await TryFinishSendingAsync(side);
        }

        side.Leg.Abort();
    }

    private static Task CutAsync(SessionSide side)
    {
        side.Leg.Abort();
        return Task.CompletedTask;
    }

    // After the Close: the answer, our end, the peer's end. Closing with unread input would reset the connection and so
    // destroy the Close on its way.
    private async Task FinishAsync(SessionSide side, TimeSpan answerLimit)
    {
        if (answerLimit > TimeSpan.Zero)
        {
            await WaitAsync(side.Closed | side.Gone, answerLimit);
        }

        if (await TryFinishSendingAsync(side))
        {
            await WaitAsync(side.Gone, StepLimit);
        }

        side.Leg.Dispose();
    }

    private async Task<bool> TryFinishSendingAsync(SessionSide side)
    {
        try
        {
            return await side.Leg.FinishSendingAsync().AsTask().WithinAsync(StepLimit, time);
        }
        catch (Exception e) when (FrameSender.IsTransportFailure(e))
        {
            return false;
        }
    }

    private ValueTask<bool> WaitAsync(Signals any, TimeSpan limit) => session.Signals.WaitAsync(any).WithinAsync(limit, time);
}
