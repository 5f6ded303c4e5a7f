package lending;

import java.time.LocalDate;
import java.util.Objects;

/** A book, and to whom it is lent. */
public final class Book implements Comparable<Book> {
    private final String number;
    private final String author;
    private final String title;
    private String borrower;
    private LocalDate due;

    public Book(String number, String author, String title) {
        this.number = Objects.requireNonNull(number);
        this.author = Objects.requireNonNull(author);
        this.title = Objects.requireNonNull(title);
    }

    public String number() {
        return number;
    }

    public String author() {
        return author;
    }

    public boolean isLent() {
        return borrower != null;
    }

    public void lend(String to, LocalDate until) {
        if (isLent()) {
            throw new IllegalStateException(title + " is lent to " + borrower + " until " + due);
        }
        borrower = Objects.requireNonNull(to, "requireNonNull(to)");
        due = until;
    }

    public boolean isOverdue(LocalDate today) {
        return isLent() && today.isAfter(due);
    }

    public void giveBack() {
        borrower = null;
        due = null;
    }

    @Override
    public int compareTo(Book other) {
        int byAuthor = author.compareTo(other.author);
        return byAuthor != 0 ? byAuthor : title.compareTo(other.title);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Book && ((Book) other).number.equals(number);
    }

    @Override
    public int hashCode() {
        return number.hashCode();
    }

    @Override
    public String toString() {
        return String.format("«%s» (%s)", title, author);
    }
}
