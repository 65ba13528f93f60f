using System.Buffers.Binary;
using System.Security.Cryptography;
using OrleansEdge.Relay.Framing;

namespace OrleansEdge.Relay.Sessions;

/// <summary>One side of a session: its transport, its sending half, and what is known of its liveness. Time stamps are those of
/// the session's <see cref="TimeProvider"/>. The pump that reads the side writes them; the session's clock reads them.</summary>
internal sealed class SessionSide(RelayLeg leg, bool isClient, long now, Action<int>? ownFrameSent = null)
{
    private const int PingPayload = 8;

    private uint _pingTag;
    private uint _pingsSent;
    private uint _pingsAnswered;

    public RelayLeg Leg { get; } = leg;

    public FrameSender Sender { get; } = new(leg, masks: !isClient, ownFrameSent);

    public bool IsClient { get; } = isClient;

    public Signals Closed { get; } = isClient ? Signals.ClientClosed : Signals.OriginClosed;

    public Signals Gone { get; } = isClient ? Signals.ClientGone : Signals.OriginGone;

    /// <summary>When the last byte came from this side; moved on while the edge does not read it.</summary>
    public long LastByteAt { get; set; } = now;

    /// <summary>Whether the edge waits for bytes of this side, rather than for the other side to take some.</summary>
    public bool IsRead { get; set; } = true;

    /// <summary>When the edge's last ping went out; 0: no ping is open.</summary>
    public long PingSentAt { get; set; }

    /// <summary>Whether a ping of the other peer went to this side and has no pong yet.</summary>
    public bool OwesPeerPong { get; set; }

    /// <summary>Sends a ping of the edge unless the way is taken right now.</summary>
    public bool TryPing(long now)
    {
        if (_pingTag == 0)
        {
            _pingTag = (uint)RandomNumberGenerator.GetInt32(1, int.MaxValue);
        }

        var payload = new byte[PingPayload];
        BinaryPrimitives.WriteUInt32BigEndian(payload, _pingTag);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(4), _pingsSent + 1);
        _pingsSent++;
        PingSentAt = now;
        if (Sender.TryPing(payload))
        {
            return true;
        }

        _pingsSent--;
        PingSentAt = 0;
        return false;
    }

    /// <summary>Whether a pong answers a ping of the edge; then that ping and those before it are settled.</summary>
    public bool TrySettlePing(ControlFrame pong, ReadOnlySpan<byte> bytes)
    {
        if (_pingsSent == _pingsAnswered || pong.PayloadLength != PingPayload)
        {
            return false;
        }

        Span<byte> payload = stackalloc byte[PingPayload];
        pong.CopyPayload(bytes, payload);
        var number = BinaryPrimitives.ReadUInt32BigEndian(payload[4..]);
        if (BinaryPrimitives.ReadUInt32BigEndian(payload) != _pingTag || number <= _pingsAnswered || number > _pingsSent)
        {
            return false;
        }

        _pingsAnswered = number;
        PingSentAt = 0;
        return true;
    }
}
