namespace OrleansEdge.Standalone.Demo;

/// <summary>Everybody who watches the demo, and the last comments. In memory only. Thread safe.</summary>
internal sealed class DemoRoom(TimeProvider time)
{
    /// <summary>Comments that a newcomer gets.</summary>
    public const int KeptComments = 50;

    private readonly Lock _gate = new();
    private readonly HashSet<DemoViewer> _viewers = [];
    private readonly Queue<DemoComment> _comments = new();
    private long _lastId;

    /// <summary>The viewer gets the last comments and all that follow; the others get the new number of viewers.</summary>
    public void Enter(DemoViewer viewer)
    {
        lock (_gate)
        {
            _viewers.Add(viewer);
            viewer.Post(DemoMessages.Welcome(_viewers.Count, _comments));
            TellAll(DemoMessages.Viewers(_viewers.Count));
        }
    }

    public void Leave(DemoViewer viewer)
    {
        lock (_gate)
        {
            if (_viewers.Remove(viewer))
            {
                TellAll(DemoMessages.Viewers(_viewers.Count));
            }
        }
    }

    public void Comment(string name, string text)
    {
        lock (_gate)
        {
            var comment = new DemoComment(++_lastId, name, text, time.GetUtcNow().ToUniversalTime());
            _comments.Enqueue(comment);
            if (_comments.Count > KeptComments)
            {
                _comments.Dequeue();
            }

            TellAll(DemoMessages.Comment(comment));
        }
    }

    private void TellAll(byte[] message)
    {
        foreach (var viewer in _viewers)
        {
            viewer.Post(message);
        }
    }
}
