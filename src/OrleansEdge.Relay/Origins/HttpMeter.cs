using Microsoft.AspNetCore.Http;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay.Origins;

/// <summary>Counts one request that went to an origin, and its answer.</summary>
internal sealed class HttpMeter(HttpContext context, UsageMeter meter)
{
    private readonly IEdgeConnection? _connection = context.Features.Get<IEdgeConnection>();
    private bool _isRequestCounted;
    private bool _isClientThere;

    // Under HTTP/2 a stream ends alone, and takes with it what the server has not framed yet.
    private bool HasFailed => _connection?.IsBroken == true || (HandshakeValidation.IsHttp2(context) && context.RequestAborted.IsCancellationRequested);

    /// <summary>The request reached an origin. Counted once, however often it was sent.</summary>
    public void Request()
    {
        if (!_isRequestCounted)
        {
            _isRequestCounted = true;
            meter.Add(new UsageCounts { MessagesUp = 1 });
        }
    }

    /// <summary>The origin answered.</summary>
    public void Answer() => meter.Add(new UsageCounts { MessagesDown = 1 });

    /// <summary>Bytes of the request's body went from client to origin.</summary>
    public void Up(int bytes) => meter.Add(new UsageCounts { BytesUp = bytes, OriginBytesUp = bytes });

    /// <summary>Bytes of the answer's body came from the origin, and are about to be written for the client.</summary>
    public void Read(int bytes)
    {
        meter.Add(new UsageCounts { OriginBytesDown = bytes });
        _isClientThere = !context.RequestAborted.IsCancellationRequested && _connection?.IsGone != true;
    }

    /// <summary>The write of what was read last is over; it says nothing of a client that is gone. What was given to the HTTP server after
    /// the client's end was dropped. What was given to it before went to the kernel unless that failed: a client that leaves with the
    /// last byte has had it.</summary>
    public void Down(int bytes)
    {
        if (_isClientThere && !HasFailed)
        {
            meter.Add(new UsageCounts { BytesDown = bytes });
        }
    }
}
