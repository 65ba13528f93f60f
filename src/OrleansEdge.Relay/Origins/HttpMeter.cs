using Microsoft.AspNetCore.Http;
using OrleansEdge.Model;
using OrleansEdge.Relay.Metering;
using OrleansEdge.Relay.Transport;

namespace OrleansEdge.Relay.Origins;

/// <summary>Counts one request that went to an origin, and its answer.</summary>
internal sealed class HttpMeter(HttpContext context, UsageMeter meter)
{
    private bool _isRequestCounted;

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

    /// <summary>Bytes of the answer's body came from the origin.</summary>
    public void Read(int bytes) => meter.Add(new UsageCounts { OriginBytesDown = bytes });

    /// <summary>The client took bytes of the answer's body, if it is still there: what is written for one that is gone is dropped, and the
    /// write says nothing of it.</summary>
    public void Down(int bytes)
    {
        if (!context.RequestAborted.IsCancellationRequested && context.Features.Get<IEdgeConnection>()?.IsGone != true)
        {
            meter.Add(new UsageCounts { BytesDown = bytes });
        }
    }
}
