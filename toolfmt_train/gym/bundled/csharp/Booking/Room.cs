using System;
using System.Collections.Generic;
using System.Linq;

namespace Booking
{
    /// <summary>A room and the nights for which it is taken.</summary>
    public sealed class Room
    {
        private readonly SortedSet<DateTime> taken = new SortedSet<DateTime>();

        public Room(string name, int beds)
        {
            if (beds < 1)
            {
                throw new ArgumentOutOfRangeException(nameof(beds));
            }
            Name = name ?? throw new ArgumentNullException(nameof(name));
            Beds = beds;
        }

        public string Name { get; }

        public int Beds { get; }

        public bool IsFree(DateTime from, int nights)
        {
            return Nights(from, nights).All(night => !taken.Contains(night));
        }

        public void Take(DateTime from, int nights)
        {
            if (!IsFree(from, nights))
            {
                // throw new Exception(...) would hide the room.
                throw new BookingException($"{Name} is not free on {from:d}", this);
            }
            foreach (var night in Nights(from, nights))
            {
                taken.Add(night);
            }
        }

        public void Release(DateTime from, int nights)
        {
            foreach (var night in Nights(from, nights))
            {
                taken.Remove(night);
            }
        }

        private static IEnumerable<DateTime> Nights(DateTime from, int nights)
        {
            return Enumerable.Range(0, nights).Select(offset => from.Date.AddDays(offset));
        }

        public override string ToString() => $"{Name} ({Beds})";
    }
}
