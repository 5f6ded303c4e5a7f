package lending;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** The books of a library, by number. */
public final class Catalogue {
    private final Map<String, Book> books = new HashMap<>();
    private final List<Listener> listeners = new ArrayList<>();

    /** Told of each book that comes or goes. */
    public interface Listener {
        void changed(Book book);
    }

    public void add(Book book) {
        Objects.requireNonNull(book, "book");
        if (books.containsKey(book.number())) {
            throw new IllegalArgumentException("number twice: " + book.number());
        }
        books.put(book.number(), book);
        notifyListeners(book);
    }

    public Optional<Book> find(String number) {
        return Optional.ofNullable(books.get(number));
    }

    public Book get(String number) {
        return find(number).orElseThrow(() -> new IllegalArgumentException("no book " + number));
    }

    public List<Book> byAuthor(String author) {
        List<Book> found = new ArrayList<>();
        for (Book book : books.values()) {
            if (book.author().equalsIgnoreCase(author)) {
                found.add(book);
            }
        }
        Collections.sort(found);
        return Collections.unmodifiableList(found);
    }

    public void listen(Listener listener) {
        listeners.add(Objects.requireNonNull(listener));
    }

    private void notifyListeners(Book book) {
        // listener.changed(book) must not throw new exceptions.
        for (Listener listener : listeners) {
            listener.changed(book);
        }
    }
}
