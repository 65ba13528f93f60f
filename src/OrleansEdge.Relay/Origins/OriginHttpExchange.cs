using System.Net;

namespace OrleansEdge.Relay.Origins;

/// <summary>One HTTP request and its answer on one connection. The body is sent while the answer is read. Dispose it when nobody uses
/// either any more.</summary>
internal sealed class OriginHttpExchange : IAsyncDisposable
{
    private static readonly TimeSpan ContinueTimeout = TimeSpan.FromSeconds(1);

    private readonly PooledConnection _pooled;
    private readonly OriginHttpPool _pool;
    private readonly OriginExchange _exchange;
    private readonly HttpContent? _requestBody;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _abort;
    private readonly TaskCompletionSource<bool> _mayContinue = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HeadBuffer _buffer = new();
    private OriginHttpBody? _answerBody;
    private Task<bool> _sending = Task.FromResult(true);
    private bool _keepsAlive;
    private bool _isDisposed;

    public OriginHttpExchange(
        PooledConnection pooled, OriginHttpPool pool, OriginExchange exchange, HttpContent? requestBody, TimeProvider time, CancellationToken cancellationToken)
    {
        _pooled = pooled;
        _pool = pool;
        _exchange = exchange;
        _requestBody = requestBody;
        _time = time;
        _abort = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
    }

    /// <summary>Whether the whole answer was read.</summary>
    public bool IsAnswered => _answerBody is { IsComplete: true };

    /// <summary>Whether it was the client that broke off the request's body, or sent it malformed.</summary>
    public bool HasClientFailed { get; private set; }

    private Stream Stream => _pooled.Connection.Stream;

    /// <summary>Sends the request and reads the head of the answer.</summary>
    public async Task<HttpResponseMessage> RunAsync()
    {
        try
        {
            _exchange.WriteHead(_buffer, hasBody: _requestBody is not null);
            var expectsContinue = _requestBody is not null && _exchange.ExpectsContinue;
            await SendHeadAsync();
            if (_requestBody is not null)
            {
                _sending = SendBodyAsync(_requestBody);
            }
            await using var impatience = expectsContinue ? _time.CreateTimer(_ => _mayContinue.TrySetResult(true), null, ContinueTimeout, Timeout.InfiniteTimeSpan) : null;
            if (!expectsContinue)
            {
                _mayContinue.TrySetResult(true);
            }
            var head = await ReadFinalHeadAsync();
            _mayContinue.TrySetResult(false);
            return Open(head);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>The client took the whole answer.</summary>
    public void NoteDelivered() => _answerBody?.NoteDelivered();

    /// <summary>Gives the connection back where it may be used again, else closes it. Stops a body that is still being sent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }
        _isDisposed = true;
        _mayContinue.TrySetResult(false);
        var isReusable = _keepsAlive && IsAnswered && _buffer.IsEmpty && _sending is { IsCompletedSuccessfully: true, Result: true };
        if (!isReusable)
        {
            await _abort.CancelAsync();
            _pooled.Connection.Dispose();
            await _sending;
        }
        _buffer.Dispose();
        _abort.Dispose();
        if (isReusable)
        {
            _pool.Return(_pooled);
        }
    }

    private async Task SendHeadAsync()
    {
        try
        {
            await Stream.WriteAsync(_buffer.Memory, _abort.Token);
        }
        catch (IOException exception)
        {
            throw new AnswerBrokeOffException(hadBegun: false, exception);
        }
        _exchange.Meter.Request();
        _buffer.Clear();
    }

    // Whether all of the body was sent. It is not where the origin declined it or takes no more; its answer may still come. Where the
    // client broke off there is nobody to answer. Never fails.
    private async Task<bool> SendBodyAsync(HttpContent content)
    {
        if (!await _mayContinue.Task)
        {
            return false;
        }
        var body = new RequestBodyStream(Stream, _exchange.RequestLength is null, _exchange.Meter.Up);
        try
        {
            await content.CopyToAsync(body, null, _abort.Token);
            return await body.TryCompleteAsync(_abort.Token);
        }
        catch (Exception) when (body.HasFailed || _abort.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception)
        {
            // What it was the copying has kept for YARP.
            HasClientFailed = true;
            await _abort.CancelAsync();
            return false;
        }
    }

    private async Task<OriginResponseHead> ReadFinalHeadAsync()
    {
        for (var interim = 0; interim <= OriginResponseHead.MostInterimAnswers; interim++)
        {
            var head = new OriginResponseHead();
            while (!head.Advance(_buffer.Span))
            {
                await FillAsync();
            }
            if (head.Fault is not null)
            {
                throw new AnswerMalformedException(head.Fault);
            }
            _buffer.Consume(head.Length);
            if (head.Status == 101)
            {
                throw new AnswerMalformedException("status 101 to a request without Upgrade");
            }
            if (head.Status >= 200)
            {
                return head;
            }
            if (head.Status == 100)
            {
                _mayContinue.TrySetResult(true);
            }
        }
        throw new AnswerMalformedException($"more than {OriginResponseHead.MostInterimAnswers} interim answers");
    }

    private async Task FillAsync()
    {
        try
        {
            var read = await Stream.ReadAsync(_buffer.Free, _abort.Token);
            if (read == 0)
            {
                throw new AnswerBrokeOffException(!_buffer.IsEmpty);
            }
            _buffer.Advance(read);
        }
        catch (IOException exception) when (exception is not AnswerBrokeOffException)
        {
            throw new AnswerBrokeOffException(!_buffer.IsEmpty, exception);
        }
    }

    private HttpResponseMessage Open(OriginResponseHead head)
    {
        if (OriginBody.TryOpen(head, _exchange.IsHead, out var framing) is { } fault)
        {
            throw new AnswerMalformedException(fault);
        }
        _keepsAlive = !head.IsHttp10 && !head.Lists("Connection", "close") && framing.Framing != BodyFraming.UntilClose;
        _answerBody = new OriginHttpBody(Stream, _buffer, framing, _exchange, onEnd: StopSendingToALeavingOrigin);
        return new HttpResponseMessage((HttpStatusCode)head.Status) { ReasonPhrase = head.Reason, Content = new OriginHttpContent(head, _answerBody) };
    }

    // An origin that answered and says that it closes reads no more.
    private void StopSendingToALeavingOrigin()
    {
        if (!_keepsAlive)
        {
            _abort.Cancel();
        }
    }
}
