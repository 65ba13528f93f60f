namespace OrleansEdge.Model.Tests;

public class LimitSharesTests
{
    private static readonly Guid A = Guid.NewGuid();
    private static readonly Guid B = Guid.NewGuid();
    private static readonly Guid C = Guid.NewGuid();

    private readonly LimitShares _shares = new();
    private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

    [Fact]
    public void SmallLimit_IsGrantedPlaceByPlace()
    {
        Assert.Equal((1, true), Renew(A, used: 0, wanted: 1, max: 3));
        Assert.Equal((1, true), Renew(B, used: 0, wanted: 1, max: 3));
        Assert.Equal((2, true), Renew(A, used: 1, wanted: 1, max: 3));

        Assert.Equal((1, true), Renew(B, used: 1, wanted: 1, max: 3));
        Assert.Equal((1, true), Renew(A, used: 1, wanted: 0, max: 3));
        Assert.Equal((2, true), Renew(B, used: 1, wanted: 1, max: 3));
    }

    [Fact]
    public void LargeLimit_IsGrantedWithAReserve_AndTheSumNeverExceedsIt()
    {
        Settle(max: 1000);
        var random = new Random(1);
        var used = new Dictionary<Guid, int> { [A] = 0, [B] = 0, [C] = 0 };
        var most = 0;
        for (var step = 0; step < 5000; step++)
        {
            var gateway = used.Keys.ElementAt(random.Next(3));
            var granted = Renew(gateway, used[gateway], random.Next(3), max: 1000).Granted;
            used[gateway] = random.Next(granted + 1);
            most = Math.Max(most, _shares.Granted.Values.Sum());
        }

        Assert.InRange(most, 600, 1000);
        Assert.True(Renew(A, 0, 1, max: 1000).Granted > 1);
    }

    [Fact]
    public void GatewayThatIsNotHeardOf_LosesItsPlaces()
    {
        Renew(A, used: 0, wanted: 5, max: 5);
        Assert.Equal(0, Renew(B, used: 0, wanted: 1, max: 5).Granted);

        _now += LimitShares.LeaseTime;

        Assert.True(Renew(B, used: 0, wanted: 1, max: 5).Granted >= 1);
        Assert.Equal([B], _shares.Granted.Keys);
    }

    [Fact]
    public void GatewayThatWasCutOff_KeepsWhatItUses()
    {
        Renew(A, used: 0, wanted: 5, max: 5);
        _now += LimitShares.LeaseTime;
        Renew(B, used: 0, wanted: 3, max: 5);

        Assert.Equal(5, Renew(A, used: 5, wanted: 1, max: 5).Granted);
        Assert.Equal(3, Renew(B, used: 3, wanted: 1, max: 5).Granted);
    }

    [Fact]
    public void LimitThatWasLowered_TakesNoPlaceThatIsUsed()
    {
        Renew(A, used: 0, wanted: 8, max: 10);

        Assert.Equal(8, Renew(A, used: 8, wanted: 1, max: 4).Granted);
        Assert.Equal(4, Renew(A, used: 3, wanted: 1, max: 4).Granted);
    }

    [Fact]
    public void Rate_IsSharedAmongThoseThatHaveAUseForIt()
    {
        Assert.Equal(90, Rate(A));
        Assert.Equal(45, Rate(B));
        Assert.Equal(30, Rate(C));
        _shares.End(B);
        Assert.Equal(45, Rate(A));

        double Rate(Guid gateway) => _shares.Renew(new(gateway, 0, 1, 0, 90), _now).HandshakesPerSecond;
    }

    [Fact]
    public void StoredLeases_CountUntilTheirTimeIsOver()
    {
        _shares.Restore(new Dictionary<Guid, int> { [A] = 5 }, _now);

        Assert.Equal(0, Renew(B, used: 0, wanted: 1, max: 5).Granted);
        _now += LimitShares.LeaseTime;
        Assert.True(Renew(B, used: 0, wanted: 1, max: 5).Granted >= 1);
    }

    [Fact]
    public void LimitThatIsNew_LeavesThePlacesToThoseThatHaveConnectionsAlready()
    {
        Assert.Equal(11, Renew(A, used: 10, wanted: 1, max: 31).Granted);
        Assert.Equal(10, Renew(B, used: 10, wanted: 0, max: 31).Granted);
        Assert.Equal(10, Renew(C, used: 10, wanted: 0, max: 31).Granted);
        Assert.Equal(10, Renew(B, used: 10, wanted: 1, max: 31).Granted);

        _now += LimitShares.SettleTime;
        Assert.True(Renew(A, used: 5, wanted: 0, max: 31).Granted > 5);
        Assert.Equal(5, Renew(A, used: 5, wanted: 0, max: 300).Granted);
    }

    [Fact]
    public void AskThatALaterOneHasOvertaken_ChangesNothing()
    {
        _shares.Renew(new(A, 3, 0, 10, 0) { Number = 2 }, _now);

        Assert.Equal(3, _shares.Renew(new(A, 4, 0, 10, 0) { Number = 1 }, _now).Granted);
        Assert.Equal(3, _shares.Granted[A]);
        Assert.Equal(5, _shares.Renew(new(A, 5, 0, 10, 0) { Number = 3 }, _now).Granted);
    }

    private void Settle(int max)
    {
        Renew(A, used: 0, wanted: 0, max);
        _now += LimitShares.SettleTime;
    }

    private (int Granted, bool IsScarce) Renew(Guid gateway, int used, int wanted, int max)
    {
        var grant = _shares.Renew(new(gateway, used, wanted, max, 0), _now);
        return (grant.Granted, grant.IsScarce);
    }
}
